"""Which trials may still be taken: what is beaten at both cost and figure stays beaten."""

from __future__ import annotations

import math

from zoo.runs.candidate import Candidate
from zoo.runs.sweeping.costs import undominated


def trial(name: str, size: int, rows: int, figure: float | None) -> Candidate:
    return Candidate(name=name, size_bytes=size, rows_learnt=rows, figure=figure)


def names(*trials: Candidate, larger_is_better: bool = True) -> list[str]:
    return [one.name for one in undominated(trials, larger_is_better=larger_is_better)]


def test_of_those_that_cost_the_same_the_best_is_left() -> None:
    assert names(trial("a", 9, 5, 0.7), trial("b", 9, 5, 0.9), trial("c", 9, 5, 0.9)) == ["b"]
    assert names(trial("a", 9, 5, 0.7), trial("b", 9, 5, 0.9), larger_is_better=False) == ["a"]


def test_what_costs_more_is_left_where_it_is_better() -> None:
    trials = (trial("dear", 9, 9, 0.9), trial("long", 5, 9, 0.8), trial("short", 5, 1, 0.8), trial("small", 1, 9, 0.1))
    assert names(*trials) == ["small", "short", "dear"]


def test_one_without_a_figure_is_left_only_alone() -> None:
    assert names(trial("none", 1, 1, None), trial("nan", 1, 1, math.nan)) == ["none"]
    assert names(trial("none", 5, 1, None), trial("some", 5, 1, 0.0)) == ["some"]
