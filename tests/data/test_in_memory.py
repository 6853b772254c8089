"""Data that Python holds are trained on as files are, and stay with their run."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import datasets
import msgspec
import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
import soundfile
from PIL import Image

import zoo
from zoo.api.data_files import data_as_files
from zoo.catalog import Catalog
from zoo.data import load
from zoo.data.in_memory import write
from zoo.jobs import Job
from zoo.kinds.recording_decoding import read_recording
from zoo.requests import request_of
from zoo.sources import Source
from zoo.tasks import get_task

TEXTS = get_task("text-classification")
IMAGES = get_task("image-classification")
SPEECH = get_task("automatic-speech-recognition")
COLUMNS = {"text": ["so good", "so bad", "very good", "very bad"], "label": ["yes", "no", "yes", "no"]}
PAIRS = list(zip(*COLUMNS.values(), strict=True))
CLASSES = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["yes", "no"])})
HELD: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "pandas categories": lambda: pd.DataFrame(COLUMNS).astype({"label": "category"}),
    "polars": lambda: polars.DataFrame(COLUMNS),
    "pyarrow": lambda: pyarrow.table(COLUMNS),
    "datasets": lambda: datasets.Dataset.from_dict(COLUMNS),
    "datasets with names": lambda: datasets.Dataset.from_dict(COLUMNS | {"label": [0, 1, 0, 1]}, features=CLASSES),
    "datasets in another order": lambda: datasets.Dataset.from_list(
        [{"text": text, "label": label} for text, label in reversed(PAIRS)]
    ).select([3, 2, 1, 0]),
    "columns": lambda: COLUMNS,
    "columns of numpy": lambda: {name: np.array(values) for name, values in COLUMNS.items()},
    "dicts": lambda: [{"text": text, "label": label} for text, label in PAIRS],
    "pairs": lambda: PAIRS,
    "generator": lambda: (list(pair) for pair in PAIRS),
}


@pytest.mark.parametrize("held", HELD)
def test_the_rows_are_those_that_python_held(held: str, tmp_path: Path) -> None:
    dataset = load(write(HELD[held](), tmp_path, "data", TEXTS), TEXTS)

    assert [(example.input, example.label) for example in dataset.examples] == PAIRS


@pytest.mark.slow
def test_the_run_keeps_them_and_goes_by_another_name_with_them(echo: None, rows: Path, store: Path) -> None:
    """Trained as on the file itself, and again from what is kept."""
    frame = pd.read_csv(rows)
    run = zoo.finetune("echo", frame, eval_data=frame, name="mine", device="cpu", precision="fp32").wait(progress=False)
    expected = zoo.finetune("echo", rows, eval_data=rows, device="cpu", precision="fp32").wait(progress=False)
    metrics = run.metrics
    data = run.rename("yours").folder.request.data

    assert metrics == expected.metrics
    assert Path(data.path) == store / "runs" / "yours" / "data" / "data.parquet"
    again = zoo.evaluate("yours", data.eval_path, device="cpu", precision="fp32").wait(progress=False)
    assert again.metrics["accuracy"] == metrics["accuracy"]
    assert {path.name for path in (store / "runs").iterdir()} == {"yours", expected.name, again.name}


@pytest.mark.slow
def test_rows_are_answered_into_a_file(words: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    frame = polars.DataFrame({"id": [7, 8], "text": ["so good", "so bad"]})
    zoo.predict_file(words, frame, out, keep="id", device="cpu", precision="fp32").wait(progress=False)

    with out.open(newline="", encoding="utf-8") as file:
        answers = [(row["id"], row["prediction"]) for row in csv.DictReader(file)]
    assert answers == [("7", "positive"), ("8", "negative")]


def test_paths_of_images_start_from_where_one_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").touch()
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "kept"
    folder.mkdir()
    for number, held in enumerate(
        ([("a.png", "x"), (Path("a.png"), "y")], pd.DataFrame({"file_name": ["a.png"] * 2, "label": ["x", "y"]}))
    ):
        dataset = load(write(held, folder, str(number), IMAGES), IMAGES)
        assert [example.input for example in dataset.examples] == [str(tmp_path / "a.png")] * 2


TONES = {"a b": np.sin(np.arange(4_000)).astype(np.float32), "c": np.zeros(2_000, np.float32)}
WAVS = [{"audio": {"array": samples, "sampling_rate": 8_000}, "text": text} for text, samples in TONES.items()]


def wav(samples: Any) -> bytes:
    content = BytesIO()
    soundfile.write(content, samples, 8_000, format="WAV", subtype="FLOAT")
    return content.getvalue()


def of_hugging_face() -> datasets.Dataset:
    """As its audio columns are stored: the bytes of a file, and its name."""
    rows = [
        {"audio": {"bytes": wav(samples), "path": f"{text}.wav"}, "text": text, "path": "gone.wav"}
        for text, samples in TONES.items()
    ]
    return datasets.Dataset.from_list(rows)


@pytest.mark.parametrize(
    "held",
    [
        lambda: [((samples, 8_000), text) for text, samples in TONES.items()],
        lambda: WAVS,
        lambda: pd.DataFrame(WAVS),
        of_hugging_face,
    ],
    ids=["pairs", "dicts", "pandas", "datasets"],
)
def test_samples_that_python_holds_are_files_of_the_data(held: Callable[[], Any], tmp_path: Path) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    name = write(held(), folder, "data", SPEECH).name
    path = folder.rename(tmp_path / "data") / name

    examples = load(path, SPEECH).examples

    assert [example.target for example in examples] == [*TONES]
    assert all(Path(example.input).parent == path.parent for example in examples)
    for example, samples in zip(examples, TONES.values(), strict=True):
        np.testing.assert_array_equal(read_recording(example.input, 8_000), samples)


def test_recordings_alone_may_be_held_and_what_is_none_is_told(tmp_path: Path) -> None:
    alone = get_task("audio-feature-extraction")
    path = write([(samples, 8_000) for samples in TONES.values()], tmp_path, "data", alone)
    assert len(load(path, alone).examples) == 2
    with pytest.raises(zoo.DatasetInvalid, match=r"row 2 of the data cannot be written down: the rate is 0\.5"):
        write([((TONES["c"], 8_000), "c"), ((TONES["c"], 0.5), "c")], tmp_path, "data", SPEECH)


def test_numbers_of_any_library_are_numbers(tmp_path: Path) -> None:
    path = write([{"text": "a", "label": np.int64(3), "x": Decimal("1.5")}], tmp_path, "data", TEXTS)
    assert json.loads(path.read_text(encoding="utf-8"))["label"] == 3


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ([], "the data have no rows"),
        (3, "the data are int, which is none of what data can be"),
        ([("a", "b", "c")], "row 1 of the data has 3 values, but text-classification takes text and label"),
        ({"text": ["a", "b"], "label": ["x"]}, r"the columns of the data have 2 \(text\), 1 \(label\) rows"),
        ({"text": "a"}, "column text of the data is a str, but must hold a value for each row"),
        ([{"text": "a", "label": object()}], "row 1 of the data cannot be written down: it holds an object"),
        (datasets.DatasetDict({"train": datasets.Dataset.from_dict(COLUMNS)}), "the data have the splits train"),
        (pd.DataFrame({"text": [object(), 1]}), "the DataFrame cannot be written as Parquet"),
    ],
)
def test_what_cannot_be_data_is_one_clear_error_and_leaves_nothing(
    held: Any, message: str, echo: None, store: Path
) -> None:
    with pytest.raises(zoo.DatasetInvalid, match=message):
        zoo.finetune("echo", held)

    assert not list((store / "runs").glob("*")) or [*(store / "runs").iterdir()] == []


@pytest.mark.parametrize("odd", ["caf\udce9", "half \ud83d"])
def test_text_that_is_not_utf8_is_set_aside_in_its_row(odd: str, tmp_path: Path) -> None:
    task = get_task("text-classification")
    rows = [(odd, "down"), ("odd", odd), *((f"row {number}", ("up", "down")[number % 2]) for number in range(18))]
    loaded = load(write(rows, tmp_path, "data", task), task)
    assert len(loaded.examples) == 18
    assert [row.row for row in loaded.rejected] == [1, 2]
    assert all("which is not UTF-8" in row.reason for row in loaded.rejected)


def test_columns_are_found_as_in_a_file(echo: None) -> None:
    job = Job(
        verb="finetune", model="echo", source=Source(data=pd.DataFrame(COLUMNS).rename(columns={"text": "words"}))
    )
    with (
        pytest.raises(zoo.DatasetInvalid, match=r"^data has no column that is usually the text .*found: words, label"),
        data_as_files(job, Catalog.load()) as (written, _),
    ):
        request_of(written)


def test_no_hint_names_a_file_that_is_gone(echo: None) -> None:
    with pytest.raises(
        zoo.DatasetInvalid, match=r"^data has no usable row: 2 .*rejected, the first of them row 1"
    ) as bad:
        zoo.finetune("echo", [("a", ""), ("b", None)])
    assert bad.value.hint == "write the data to a file: zoo data inspect FILE says more"


def test_each_of_several_sources_may_be_held_by_python(tmp_path: Path) -> None:
    pytest.importorskip("zoo_bert")
    file = tmp_path / "names.jsonl"
    file.write_text('{"tokens": ["Ada", "ran"], "tags": ["B-who", "O"]}\n' * 8)
    tokens = datasets.Dataset.from_dict({"tokens": [["Ada", "ran"]] * 8, "tags": [["B-who", "O"]] * 8})
    job = Job(
        verb="finetune",
        model="bert-tiny",
        source=Source(name="mood", data=pd.DataFrame(COLUMNS), eval_data=PAIRS),
        others=(
            Source(name="names", data=tokens),
            Source(name="filed", data=file),
            Source(name="texts", data=["saw the old town", "so good"] * 4),
        ),
    )
    with data_as_files(job, Catalog.load()) as (written, folder):
        request = request_of(written)
    assert [(one.name, one.task, Path(one.data.path).name) for one in request.sources] == [
        ("mood", "text-classification", "1-data.parquet"),
        ("names", "token-classification", "2-data.parquet"),
        ("filed", "token-classification", "names.jsonl"),
        ("texts", "fill-mask", "4-data.jsonl"),
    ]
    assert folder is not None
    assert Path(request.sources[0].data.eval_path) == folder / "1-eval_data.jsonl"

    odd = msgspec.structs.replace(job, others=(Source(name="texts", data=pd.DataFrame({"x": [1.5]})),))
    with (
        pytest.raises(zoo.ZooError, match="data of texts has no column"),
        data_as_files(odd, Catalog.load()) as (written, _),
    ):
        request_of(written)
