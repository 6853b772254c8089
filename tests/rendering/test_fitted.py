"""Tables find room in however few columns there are."""

from __future__ import annotations

from zoo.blocks import Table
from zoo.rendering.fitted import fitted_lines

TABLE = Table(headers=("", "accuracy", "macro_f1"), rows=(("one", "0.9 (0.8 to 1.0)", "0.7"), ("other", None, "0.6")))


def test_it_stays_as_it_is_where_there_is_room() -> None:
    assert ["", "one", "other"] == [line.split("  ")[0].rstrip() for line in fitted_lines(TABLE, 80)]


def test_it_is_turned_where_that_is_narrower() -> None:
    wide = Table(headers=("", *(f"figure {n}" for n in range(9))), rows=(("one", *range(9)), ("other", *range(9))))
    assert ["one  other", "figure 0    0      0"] == [line.strip() for line in fitted_lines(wide, 40)[:2]]
    assert 10 == len(fitted_lines(wide, 40))


def test_else_it_is_a_list() -> None:
    assert [
        "one",
        "  accuracy  0.9 (0.8 to…",
        "  macro_f1  0.7",
        "other",
        "  accuracy  -",
        "  macro_f1  0.6",
    ] == fitted_lines(TABLE, 25)
