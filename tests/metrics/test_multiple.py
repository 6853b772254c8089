"""P-values of several tests at once."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from zoo.metrics.multiple import holm, stepped_down
from zoo.metrics.paired import drawn_figures


def test_several_tests_are_corrected_in_steps() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.04]) == [0.04]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    first, second, third = holm([0.02, math.nan, 0.03])
    assert (first, third) == (0.04, 0.04)
    assert math.isnan(second)


def drawn_means(*models: list[float]) -> tuple[list[float], list[list[float]]]:
    """By how much the first is above each of the others, of all rows and in each of 199 draws."""
    drawn = list(zip(*drawn_figures(models, statistics.fmean, 199), strict=True))
    means = [statistics.fmean(one) for one in models]
    differences = [[first - other for first, other in zip(drawn[0], one, strict=True)] for one in drawn[1:]]
    return [means[0] - one for one in means[1:]], differences


def test_one_of_a_hundred_that_is_far_behind_is_told_by_few_draws_and_equals_are_not() -> None:
    draw = random.Random(7)
    rows = [draw.gauss(0.0, 1.0) for _ in range(60)]

    def model(shift: float) -> list[float]:
        return [value + shift + draw.gauss(0.0, 0.3) for value in rows]

    observed, differences = drawn_means(model(0.0), *(model(0.0) for _ in range(98)), model(-1.0))
    *equal, behind = stepped_down(observed, differences)
    assert behind == 1 / 200
    assert sum(p < 0.05 for p in equal) <= 1
    assert holm([1 / 200] * 99)[0] > 0.4, "which Holm's steps could not tell, whatever the draws say"


def test_steps_go_on_from_what_is_told_apart_and_need_no_figure_everywhere() -> None:
    draws = [[-1.0, 0.0, 1.0, 0.0] * 25, [-2.0, 0.0, 2.0, 0.0] * 25]
    first, second = stepped_down([0.1, 8.0], [[0.1 + one for one in draws[0]], [8.0 + one for one in draws[1]]])
    assert second == 1 / 101
    assert first == 51 / 101  # as alone: the other one is told apart already
    assert math.isnan(stepped_down([math.nan], [[math.nan] * 4])[0])
    lacking = stepped_down(
        [0.1, 8.0], [[0.1 + one for one in draws[0]], [math.nan, *[8.0 + one for one in draws[1]][1:]]]
    )
    assert lacking == pytest.approx([first, second], abs=0.02)
    assert stepped_down([0.0, 1.0], [[0.0] * 9, [1.0] * 9]) == [1.0, 0.1]  # what all draws make the same
    same, apart = stepped_down(
        [0.0, 1.0], [[0.0, math.nan, 0.0, 0.0], [1.0, math.nan, 0.9, 1.1]]
    )  # of a figure that a draw lacks
    assert (same, apart) == (1.0, 1 / 4)
    assert stepped_down([], []) == []
