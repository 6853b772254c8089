"""One rule for reading a label, whatever file it stands in."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from zoo.data import Dataset, Example, inspect, load, match_labels
from zoo.errors import DatasetInvalid
from zoo.kinds import LABEL, Unusable
from zoo.tasks import get_task
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]
Labels = list[Any]


def as_csv(path: Path, labels: Labels) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((f"t{i}", label) for i, label in enumerate(labels))])


def as_json_lines(path: Path, labels: Labels) -> None:
    lines = [json.dumps({"text": f"t{i}", "label": label}) for i, label in enumerate(labels)]
    path.write_text("\n".join(lines))


def as_parquet(path: Path, labels: Labels) -> None:
    pyarrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"text": [f"t{i}" for i in range(len(labels))], "label": labels}), path)


WRITERS = {"csv": as_csv, "jsonl": as_json_lines, "parquet": as_parquet}


@pytest.mark.parametrize("extension", WRITERS)
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([True, False, True], ["true", "false", "true"]),
        (["True", "False", "true"], ["true", "false", "true"]),
        (["TRUE", "FALSE", "FALSE"], ["true", "false", "false"]),
        ([0, 1, 10], ["0", "1", "10"]),
        ([0.0, 1.0, -1.0], ["0", "1", "-1"]),
        (["0.0", "1.0", " 2.0 "], ["0", "1", "2"]),
        ([-0.0, 0.5, 2.25], ["0", "0.5", "2.25"]),
        (["01", "1", "1.00"], ["01", "1", "1.00"]),
        (["1e3", "3.10", "3.1"], ["1e3", "3.10", "3.1"]),
        (["nan", "None", "NA"], ["nan", "None", "NA"]),
        (["tRUE", "Yes", "T"], ["tRUE", "Yes", "T"]),
        (["1.", ".0", "01.0"], ["1.", ".0", "01.0"]),
    ],
)
def test_the_same_labels_are_read_from_every_format(
    labels: Labels, expected: list[str], extension: str, tmp_path: Path, classify: Task
) -> None:
    path = tmp_path / f"a.{extension}"
    WRITERS[extension](path, labels)
    assert [example.label for example in load(path, classify).examples] == expected
    assert {count.label for count in inspect(path, classify).labels} == set(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.00"), "1"),
        (Decimal("100"), "100"),
        (Decimal("0.50"), "0.5"),
        (Decimal("-0.0"), "0"),
        (2**70, str(2**70)),
        (None, None),
        (float("nan"), None),
        (Decimal("nan"), None),
        ("  ", None),
    ],
)
def test_python_numbers_are_read_as_the_numbers_they_are(value: Any, expected: str | None) -> None:
    assert LABEL.read(value, "label") == expected


def test_numpy_numbers_are_read_as_the_numbers_they_are() -> None:
    np: Any = pytest.importorskip("numpy")
    values = (
        np.int8(3),
        np.uint64(7),
        np.float32(0.1),
        np.float64(2.0),
        np.float16(1.0),
        np.bool_(True),
        np.str_(" a "),
    )
    assert [LABEL.read(value, "label") for value in values] == ["3", "7", "0.1", "2", "1", "true", "a"]
    assert LABEL.read(np.float32("nan"), "label") is None


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"a", float("inf"), Decimal("inf"), 1j])
def test_what_is_no_label_is_refused(value: Any) -> None:
    with pytest.raises(Unusable, match=r"column kind holds .*, not text or a number"):
        LABEL.read(value, "kind")


def test_decimal_columns_are_numbers(tmp_path: Path, classify: Task) -> None:
    as_parquet(tmp_path / "a.parquet", [Decimal("1.00"), Decimal("2.50"), Decimal("10.00")])
    assert load(tmp_path / "a.parquet", classify).labels == ("1", "2.5", "10")


def test_class_folders_are_read_by_the_same_rule(tmp_path: Path) -> None:
    for name in ("True", "false", "01"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"not looked at")
    assert load(tmp_path, get_task("image-classification")).labels == ("01", "false", "true")


def dataset(*labels: str) -> Dataset:
    examples = tuple(Example(f"t{i}", label, i) for i, label in enumerate(labels, start=1))
    return Dataset("data.csv", examples, {"input": "text", "label": "label"})


def test_labels_the_model_does_not_know_are_named_with_their_row() -> None:
    data = dataset("pos", "odd", "neg", "odd")
    assert match_labels(data, ("neg", "odd", "pos")) is data
    with pytest.raises(
        DatasetInvalid, match=r"row 2: label 'odd' is none of those trained on, and 1 more such row"
    ) as e:
        match_labels(data, ("pos", "neg"))
    assert e.value.hint == "labels trained on: pos, neg"


@pytest.mark.parametrize(
    ("model_labels", "labels", "expected"),
    [
        (("False", "True"), ("true", "false"), ["True", "False"]),
        (("0.0", "1.0", "10.0"), ("10", "0"), ["10.0", "0.0"]),
        (("True", "true"), ("true",), ["true"]),
        (("1", "1.0"), ("1",), ["1"]),
    ],
)
def test_labels_are_spelled_as_an_older_model_has_them(
    model_labels: tuple[str, ...], labels: tuple[str, ...], expected: list[str]
) -> None:
    assert [example.label for example in match_labels(dataset(*labels), model_labels).examples] == expected
