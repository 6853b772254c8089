"""Data whose targets are sets of labels or numbers: what is set aside, and what nothing can be learnt from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.conftest import Write
from zoo.data import inspect, likely_task, load, split
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.tasks import get_task
from zoo.tasks.task import Task

SEVERAL, NUMBER = get_task("text-multi-label-classification"), get_task("text-regression")


def test_rows_are_read_by_the_kind_of_the_target(write: Write) -> None:
    path = write("a.csv", "text,tags,price\na,late|broken,1.5\nb,[],12 €\nc,,7\nd,late,\n")
    several, number = load(path, SEVERAL), load(path, NUMBER)

    assert [example.target for example in several.examples] == [("broken", "late"), (), ("late",)]
    assert several.labels == ("broken", "late")
    assert [(one.row, one.reason) for one in several.rejected] == [(3, "column tags is empty: the label is missing")]
    assert [example.target for example in number.examples] == [1.5, 7.0]
    assert number.labels == ()
    assert [one.row for one in number.rejected] == [2, 4]


@pytest.mark.parametrize(
    ("content", "task", "message"),
    [
        ("text,price\na,7\nb,7.0\n", NUMBER, "every row has the same number, 7 in column price"),
        ("text,tags\na,[]\nb,|\n", SEVERAL, "no row has any label in column tags"),
    ],
)
def test_targets_that_teach_nothing_are_refused_before_a_training(
    content: str, task: object, message: str, write: Write
) -> None:
    path = write("a.csv", content)
    with pytest.raises(DatasetInvalid, match=message):
        load(path, task)  # type: ignore[arg-type]
    assert len(load(path, task, min_classes=1).examples) == 2  # type: ignore[arg-type]


def warnings(path: Path, task: Task, **arguments: Any) -> str:
    return "\n".join(
        finding.message for finding in inspect(path, task, **arguments).findings if finding.level == "warning"
    )


@pytest.mark.parametrize(
    ("cells", "separator", "warning"),
    [
        (["a|b", "b|a", "a|b;c", "c|b"], "", "a label that holds a separator, the first is 'b;c' in row 3"),
        (["a|b", "b", "c"], ",", "a label that holds a separator, the first is 'a|b' in row 1"),
        (["a|b", "b", "c"], "ab", "--separator ab divides nothing: no row of"),
        (
            ['"red,blue"', "blue", "green"],
            "",
            "such as those of 'red,blue'; if these are several labels, --separator ,",
        ),
        (["a|b", "b", "c"], "", ""),
        (['"red,blue"', "blue", "green"], ",", ""),
    ],
)
def test_marks_that_divide_nothing_are_told(cells: list[str], separator: str, warning: str, write: Write) -> None:
    path = write("a.csv", "text,labels\n" + "".join(f"row {i},{cells[i % len(cells)]}\n" for i in range(40)))
    text = warnings(path, SEVERAL.divided_at(separator))
    assert warning in text
    assert bool(warning) == bool(text)


@pytest.mark.parametrize(
    ("cells", "warns"),
    [
        ("red,blue/blue", True),
        ("red, blue/blue, green/green, red", True),
        ("Paris, France/Lyon, France", False),
        ("yes,/no", False),
        ("red/blue", False),
    ],
)
def test_commas_between_labels_are_told_where_classes_are_meant(cells: str, warns: bool, write: Write) -> None:
    each = cells.split("/")
    path = write("a.csv", "text,label\n" + "".join(f'row {i},"{each[i % len(each)]}"\n' for i in range(60)))
    assert likely_task(path).name == "text-classification"
    assert ("--separator , divides them" in warnings(path, likely_task(path))) == warns


def test_there_are_no_labels_to_merge_in_numbers(write: Write) -> None:
    path = write("a.csv", "text,score\na,1\nb,2\n")
    for read in (load, inspect):
        with pytest.raises(
            OptionInvalid, match=r"--merge-labels makes one class .*, and the target is one number here"
        ):
            read(path, NUMBER, merge=True)


PRICES = "text;Score\n" + "".join(f'"gut, aber teuer {i}";{i},{i % 7}\n' for i in range(40))


def test_decimal_commas_are_read_and_told(write: Write) -> None:
    path = write("excel.csv", ("sep=;\n" + PRICES + "billig;1.234,5\nteuer;1.234\n").encode("utf-16"))
    dataset = load(path, NUMBER)
    assert [example.target for example in dataset.examples[:9]] == [0.0, 1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.0, 8.1]
    assert dataset.examples[-1].target == 1234.5
    assert [(one.row, one.reason) for one in dataset.rejected] == [
        (
            42,
            "column Score holds '1.234', whose marks may mean thousands or decimals where other rows have a decimal "
            "comma: write 1234,5",
        )
    ]
    inspection = inspect(path, likely_task(path))
    assert (inspection.task, inspection.train.rejected_rows) == (NUMBER.name, 1)
    note = f"{path}: column Score has decimal commas: 1,5 is read as 1.5"
    assert note in [finding.message for finding in inspection.findings]


def test_thousands_that_may_be_decimals_are_refused(write: Write) -> None:
    path = write("a.csv", "text;price\na;1,250\nb;2,500\n")
    with pytest.raises(
        DatasetInvalid, match=r"row 1: column price holds '1,250', whose comma may mean .* 1250 or 1\.250"
    ):
        load(path, NUMBER)


def test_rows_held_out_are_of_all_numbers(write: Write) -> None:
    path = write("a.csv", "text,price\n" + "".join(f"row {i},{i * i}\n" for i in range(200)))
    _, held_out = split(load(path, NUMBER), 0.1, 3, target=NUMBER.target)
    assert len(held_out) == 20
    tenths = sorted(int(example.target**0.5) // 20 for example in held_out)
    assert tenths == sorted([*range(10)] * 2)
