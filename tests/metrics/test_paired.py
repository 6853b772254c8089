"""Differences of two models on the same rows, and their intervals."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

import pytest

from zoo.metrics.paired import paired_difference


def test_the_interval_of_a_difference_of_means_is_that_of_its_standard_error() -> None:
    draw = random.Random(3)
    first = [draw.gauss(1.0, 1.0) for _ in range(400)]
    second = [value - 0.2 + draw.gauss(0.0, 0.1) for value in first]
    differences = [one - other for one, other in zip(first, second, strict=True)]
    mean, error = statistics.mean(differences), statistics.stdev(differences) / 20

    result = paired_difference(first, second, statistics.fmean)

    assert result.first - result.second == pytest.approx(mean)
    assert (result.low, result.high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.002)
    assert result == paired_difference(first, second, statistics.fmean)


def test_models_that_answer_alike_do_not_differ() -> None:
    rows = [0.0, 1.0, 1.0, 0.0]
    assert paired_difference(rows, rows, statistics.fmean) == (0.5, 0.5, 0.0, 0.0)


def test_rows_that_have_no_figure_do_not_count() -> None:
    def share_of_ones(rows: Sequence[float]) -> float:
        return statistics.fmean(rows) if 0.0 in rows else math.nan

    result = paired_difference([0.0, 1.0, 1.0], [0.0, 0.0, 1.0], share_of_ones)
    assert math.isfinite(result.low)
    assert math.isfinite(result.high)
    assert math.isnan(paired_difference([1.0, 1.0], [1.0, 1.0], share_of_ones).low)
