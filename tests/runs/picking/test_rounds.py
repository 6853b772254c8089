"""Who goes on, and on how many rows."""

from __future__ import annotations

from fractions import Fraction

from zoo.data.example import Example
from zoo.kinds import LABEL
from zoo.runs.picking.rounds import Round, best, probed_number, rounds_of
from zoo.runs.picking.rows import in_nested_order


def test_each_round_has_twice_the_rows_and_half_of_the_models() -> None:
    assert rounds_of(8, 2, 1_000) == [Round(Fraction(1, 8), 4), Round(Fraction(1, 4), 2)]
    assert rounds_of(8, 2, 100) == [Round(Fraction(1, 4), 2)]  # both would be of 32 rows
    assert rounds_of(3, 2, 1_000) == [Round(Fraction(1, 4), 2)]
    assert rounds_of(2, 2, 1_000) == []
    assert probed_number(8, 2) == 4
    assert probed_number(3, 2) == 2


def test_the_best_go_on_and_who_has_no_figure_too() -> None:
    figures = {"small": 0.7, "middle": 0.9, "unknown": None, "large": 0.5}
    assert best(figures, 1, larger_is_better=True) == ["middle", "unknown"]
    assert best(figures, 1, larger_is_better=True, always=["large"]) == ["middle", "unknown", "large"]
    assert best(figures, 1, larger_is_better=False) == ["unknown", "large"]


def test_every_beginning_of_the_rows_has_each_label_in_its_share() -> None:
    labels = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    examples = [Example(f"text {row}", label, row) for row, label in enumerate(labels)]
    ordered = in_nested_order(examples, LABEL, 1)
    assert sorted(ordered, key=lambda one: one.row) == examples
    for rows in (10, 20, 50):
        share = [one.target for one in ordered[:rows]].count("a") / rows
        assert abs(share - 0.6) <= 0.1
    assert {one.target for one in ordered[:3]} == {"a", "b", "c"}
    assert in_nested_order(examples[::-1], LABEL, 1) == ordered
