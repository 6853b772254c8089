"""Figures of the rows that have the same value in a column."""

from __future__ import annotations

from zoo.answers import Classification, Score
from zoo.metrics.intervals import wilson_interval
from zoo.runs.slices import MOST, NO_VALUE, OTHERS, Slices
from zoo.tasks import get_task


def answer(label: str) -> Classification:
    return Classification(scores=(Score(label, 0.9), Score("b" if label == "a" else "a", 0.1)))


def test_the_smallest_part_is_last_and_rows_without_a_value_are_one() -> None:
    shops = {1: "north", 2: "south", 3: "south", 4: "south"}
    slices = Slices(get_task("text-classification"), ("a", "b"), "shop", shops)
    for row, said in enumerate("abbabb", start=1):
        slices.add(row, "a" if row < 4 else "b", answer(said))

    table = slices.table()
    south, none, north = (wilson_interval(*counts) for counts in ((0, 3), (2, 2), (1, 1)))
    assert south is not None
    assert none is not None
    assert north is not None
    assert "By shop" == table.title
    assert ("shop", "accuracy", "95% from", "to", "rows") == table.headers
    assert (
        ("south", 0.0, south.low, south.high, 3),
        (NO_VALUE, 1.0, none.low, none.high, 2),
        ("north", 1.0, north.low, north.high, 1),
    ) == table.rows


def test_of_many_values_the_largest_have_a_line_and_the_others_one_together() -> None:
    values = {row: f"value {row // 2}" for row in range(80)} | {80: "alone"}
    slices = Slices(get_task("text-classification"), ("a", "b"), "group", values)
    for row in values:
        slices.add(row, "a", answer("a"))

    rows = slices.table().rows
    assert MOST + 1 == len(rows)
    assert (OTHERS, 81 - 2 * MOST) == (rows[-1][0], rows[-1][-1])
