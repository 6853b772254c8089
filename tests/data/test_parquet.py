"""Parquet files, and what happens without the package that reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zoo.data import count_rows, inspect, load, match_labels, stream
from zoo.errors import DatasetInvalid
from zoo.tasks.task import Task

pyarrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")


def written(path: Path, **columns: Any) -> Path:
    parquet.write_table(pyarrow.table(columns), path, row_group_size=700)
    return path


def test_rows_are_read_in_order_over_batches(tmp_path: Path, classify: Task) -> None:
    path = written(tmp_path / "a.parquet", text=[f"t{i}" for i in range(3000)], label=[i % 3 for i in range(3000)])
    dataset = load(path, classify)
    assert [(e.input, e.label, e.row) for e in dataset.examples] == [(f"t{i}", str(i % 3), i + 1) for i in range(3000)]
    assert dataset.labels == ("0", "1", "2")
    assert count_rows(path) == 3000


def test_nulls_are_told_from_numbers(tmp_path: Path, classify: Task) -> None:
    path = written(
        tmp_path / "a.parquet",
        text=["a", None, "c", "d", "e"],
        label=[1.0, 2.0, None, float("nan"), float("inf")],
        x=[[1]] * 5,
    )
    dataset = load(path, classify, min_classes=1)
    assert [(e.input, e.label) for e in dataset.examples] == [("a", "1")]
    assert [(r.row, r.reason) for r in dataset.rejected] == [
        (2, "column text is empty"),
        (3, "column label is empty: the label is missing"),
        (4, "column label is empty: the label is missing"),
        (5, "column label holds inf, not text or a number"),
    ]


def test_single_precision_numbers_are_named_as_they_are_written(tmp_path: Path, classify: Task) -> None:
    for kind in (pyarrow.float32(), pyarrow.float16()):
        labels = pyarrow.array([0.5, 1.0, None, float("nan")], kind)
        dataset = load(written(tmp_path / "a.parquet", text=["a", "b", "c", "d"], label=labels), classify)
        assert (dataset.labels, [row.row for row in dataset.rejected]) == (("0.5", "1"), [3, 4])
    tenths = pyarrow.array([0.1, 0.2], pyarrow.float32())
    assert load(written(tmp_path / "b.parquet", text=["a", "b"], label=tenths), classify).labels == ("0.1", "0.2")


def with_features(path: Path, features: Any, **columns: Any) -> Path:
    """A file as `datasets` writes one."""
    notes = json.dumps({"info": {"features": features}})
    table = pyarrow.table(columns).replace_schema_metadata({"huggingface": notes, "pandas": "{}"})
    parquet.write_table(table, path)
    return path


NAMES = {"label": {"names": ["world", "sports", "2"], "_type": "ClassLabel"}, "text": {"_type": "Value"}}


@pytest.mark.parametrize("kind", ["int64", "int8", "uint8"])
def test_classes_that_the_file_names_have_their_names(kind: str, tmp_path: Path, classify: Task) -> None:
    labels = pyarrow.array([1, 0, -1, 2, None, 3] if kind != "uint8" else [1, 0, None, 2, None, 3], kind)
    path = with_features(tmp_path / "a.parquet", NAMES, text=list("abcdef"), label=labels)
    dataset = load(path, classify)
    assert [(e.input, e.label) for e in dataset.examples] == [("a", "sports"), ("b", "world"), ("d", "2")]
    assert [(r.row, r.reason) for r in dataset.rejected] == [
        (3, "column label is empty: the label is missing"),
        (5, "column label is empty: the label is missing"),
        (6, "holds class 3, where the file names 3"),
    ]
    assert {count.label for count in inspect(path, classify).labels} == {"world", "sports", "2"}


@pytest.mark.parametrize(
    "features",
    [
        [],
        {"label": {"names": {"0": "a"}, "_type": "ClassLabel"}},
        {"label": {"names": [1, 2], "_type": "ClassLabel"}},
        {"label": {"dtype": "int64", "_type": "Value"}},
        {"label": "ClassLabel"},
        {"other": {"names": ["a", "b"], "_type": "ClassLabel"}},
    ],
)
def test_notes_that_name_no_classes_leave_numbers(features: Any, tmp_path: Path, classify: Task) -> None:
    path = with_features(tmp_path / "a.parquet", features, text=["a", "b"], label=[0, 1])
    assert load(path, classify).labels == ("0", "1")


def test_a_model_that_knows_the_numbers_of_classes_is_judged_by_their_names(tmp_path: Path, classify: Task) -> None:
    path = with_features(tmp_path / "a.parquet", {"label": NAMES["label"]}, text=list("abc"), label=[0, 1, 2])
    dataset = load(path, classify)
    assert [example.label for example in match_labels(dataset, ("2", "sports", "world")).examples] == [
        "world",
        "sports",
        "2",
    ]
    names = {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}
    dataset = load(with_features(tmp_path / "b.parquet", names, text=["a", "b"], label=[1, 0]), classify)
    assert [example.label for example in match_labels(dataset, ("0", "1")).examples] == ["1", "0"]


def test_dictionary_columns_and_truth_values_are_labels(tmp_path: Path, classify: Task) -> None:
    labels = pyarrow.array(["pos", "neg"]).dictionary_encode()
    assert load(written(tmp_path / "a.parquet", text=["a", "b"], label=labels), classify).labels == ("neg", "pos")
    flags = written(tmp_path / "b.parquet", text=["a", "b"], label=[True, False])
    assert load(flags, classify).labels == ("false", "true")


def test_binary_text_is_set_aside(tmp_path: Path, classify: Task) -> None:
    path = written(tmp_path / "a.parquet", text=[b"a", b"b"], label=["x", "y"])
    with pytest.raises(DatasetInvalid, match="row 1: column text holds bytes, not text"):
        load(path, classify)


def test_text_that_is_not_utf8_is_set_aside(tmp_path: Path, classify: Task) -> None:
    raw = pyarrow.array([b"fine", b"caf\xe9", b"also"]).view(pyarrow.string())
    dataset = load(written(tmp_path / "a.parquet", text=raw, label=["x", "y", "z"]), classify)
    assert [example.input for example in dataset.examples] == ["fine", "also"]
    assert [(r.row, r.reason) for r in dataset.rejected] == [(2, "holds text that is not UTF-8")]


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not parquet at all, whatever it is called"])
def test_a_file_that_is_none_is_refused(damage: bytes, tmp_path: Path, classify: Task) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(damage)
    with pytest.raises(DatasetInvalid, match="is not a readable Parquet file"):
        load(path, classify)


def test_streaming_can_be_left_early(tmp_path: Path, classify: Task) -> None:
    path = written(tmp_path / "a.parquet", text=["a", "b"], label=["x", "y"])
    assert next(stream(path, classify)).row == 1


def test_without_pyarrow_the_way_out_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", text=["a"])
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from zoo.data import load; from zoo.errors import Unsupported; from zoo.tasks import get_task\n"
        "try: load(sys.argv[1], get_task('fill-mask'))\n"
        "except Unsupported as error: print(error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'install it with: pip install "zoo-models[parquet]"'
