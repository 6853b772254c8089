"""Several labels a row, and numbers: from data that say what they are for to answers, for texts and for images."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import kill_and_resume
from zoo.quickstart.digits import write_digits
from zoo.runs.events import Noted

pytest.importorskip("zoo_bert")
pytest.importorskip("zoo_resnet")
pytest.importorskip("sklearn")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

CPU = {"device": "cpu", "precision": "fp32"}
WORDS = {"broken": "lamp glass torn cracked", "late": "weeks waiting delayed monday", "rude": "staff shouted insult"}


def complaints(rows: int) -> list[dict[str, Any]]:
    """Texts with words of each of their labels, and a score that falls with the number of these."""
    draw = random.Random(7)
    drawn: list[dict[str, Any]] = []
    for _ in range(rows):
        labels = [label for label in WORDS if draw.random() < 0.4]
        words = [word for label in labels for word in draw.sample(WORDS[label].split(), 2)]
        text = " ".join([*words, *draw.sample(["the", "my", "is", "and", "this"], 3)])
        drawn.append({"text": text, "labels": labels, "score": 100 - 30 * len(labels) + draw.random()})
    return drawn


def write(path: Path, rows: list[dict[str, Any]], *columns: str) -> Path:
    path.write_text("".join(json.dumps({name: row[name] for name in columns}) + "\n" for row in rows))
    return path


def notes(run: zoo.Run) -> list[str]:
    return [event.message for event in run.events() if isinstance(event, Noted)]


def test_texts_with_several_labels(tmp_path: Path) -> None:
    rows = complaints(300)
    data = write(tmp_path / "complaints.jsonl", rows, "text", "labels")
    options = {"epochs": 8.0, "lr": 2e-3, "max_tokens": 32}
    run = zoo.finetune("bert-tiny", data, **CPU, **options).wait(progress=False)

    assert any(note.startswith("column 'labels' is taken to hold label sets") for note in notes(run))
    assert run.metrics["micro_f1"] > 0.9
    (answer, nothing) = run.model.predict(["the lamp is torn and the staff shouted", "this and the my"])
    assert isinstance(answer, zoo.LabelSet)
    assert isinstance(nothing, zoo.LabelSet)
    assert (sorted(answer.labels), nothing.labels) == (["broken", "rude"], ())
    assert answer.threshold == run.metrics["threshold"]
    assert run.model.labels == tuple(WORDS)

    table = tmp_path / "others.csv"
    table.write_text("text,labels\n" + "".join(f"{row['text']},{'/'.join(row['labels']) or '[]'}\n" for row in rows))
    with pytest.raises(zoo.DatasetInvalid, match="none of those trained on"):
        zoo.evaluate(run.name, table, **CPU)
    judged = zoo.evaluate(run.name, table, separator="/", **CPU).wait(progress=False)
    assert judged.metrics["micro_f1"] > 0.9


def test_numbers_of_texts_and_a_kill_on_the_way(tmp_path: Path) -> None:
    data = write(tmp_path / "complaints.jsonl", complaints(300), "text", "score")
    options = {"epochs": 10.0, "lr": 1e-3, "max_tokens": 32, "save_steps": 5}
    whole = zoo.finetune("bert-tiny", data, **CPU, **options)
    killed = kill_and_resume(lambda: zoo.finetune("bert-tiny", data, **CPU, **options), step=40)
    whole.wait(progress=False)

    assert whole.metrics == killed.metrics
    for name in ("model.safetensors", "config.json"):
        bits = [(run.folder.model_folder / name).read_bytes() for run in (whole, killed)]
        assert bits[0] == bits[1]

    assert whole.metrics["r2"] > 0.8
    answer, other = whole.model.predict(["the lamp is torn and the staff shouted", "this and the my"])
    assert isinstance(answer, zoo.Quantity)
    assert isinstance(other, zoo.Quantity)
    assert 20 < answer.value < 70 < other.value < 120
    judged = zoo.evaluate(whole.name, data, **CPU).wait(progress=False)
    assert judged.metrics["mae"] < 15

    rows = [json.loads(line) for line in data.read_text().splitlines()]
    excel = tmp_path / "excel.csv"
    excel.write_text("text;score\n" + "".join(f"{row['text']};{str(row['score']).replace('.', ',')}\n" for row in rows))
    same = zoo.evaluate(whole.name, excel, **CPU).wait(progress=False)
    assert same.metrics == judged.metrics
    assert f"{excel}: column score has decimal commas: 1,5 is read as 1.5" in notes(same)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real handwritten digits in class folders."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    return folder


@pytest.mark.parametrize(
    ("column", "task", "metric", "least"),
    [("labels", "image-multi-label-classification", "micro_f1", 0.8), ("score", "image-regression", "r2", 0.5)],
)
def test_images_in_a_table(column: str, task: str, metric: str, least: float, digits: Path) -> None:
    table = digits / f"{column}.jsonl"
    rows = []
    for path in sorted((digits / "labelled").rglob("*.png")):
        digit = int(path.parent.name)
        labels = [name for name, is_so in (("even", digit % 2 == 0), ("large", digit > 4)) if is_so]
        row = {"labels": labels, "score": digit * 1.25}
        rows.append({"file_name": path.relative_to(digits).as_posix(), column: row[column]})
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"image_size": 8, "flip": False, "crop_scale": 1.0, "batch_size": 20, "epochs": 16.0, "eval_share": 0.2}
    run = zoo.finetune("resnet10-32px", table, task=task, **CPU, **options).wait(progress=False)

    assert run.metrics[metric] > least
    judged = zoo.evaluate(run.name, table, **CPU).wait(progress=False)
    assert judged.metrics[metric] > least
    (answer,) = run.model.predict([str(next((digits / "labelled" / "8").glob("*.png")))])
    assert (answer.labels if isinstance(answer, zoo.LabelSet) else type(answer)) in (
        ("even", "large"),
        ("large", "even"),
        zoo.Quantity,
    )
