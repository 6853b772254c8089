"""Differences of two models on the same rows, and their intervals."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

import pytest

from zoo.metrics.paired import Z, least_bound, mcnemar, paired_difference, paired_shares


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
    assert paired_difference(rows, rows, statistics.fmean) == (0.5, 0.5, 0.0, 0.0, 1.0)


def test_rows_that_have_no_figure_do_not_count() -> None:
    def share_of_ones(rows: Sequence[float]) -> float:
        return statistics.fmean(rows) if 0.0 in rows else math.nan

    result = paired_difference([0.0, 1.0, 1.0], [0.0, 0.0, 1.0], share_of_ones)
    assert math.isfinite(result.low)
    assert math.isfinite(result.high)
    assert math.isnan(paired_difference([1.0, 1.0], [1.0, 1.0], share_of_ones).low)


def shares(both: int, lost: int, won: int, neither: int) -> tuple[list[bool], list[bool]]:
    """Rows that both models have right, the first alone, the second alone, and none."""
    first = [True] * both + [True] * lost + [False] * won + [False] * neither
    second = [True] * both + [False] * lost + [True] * won + [False] * neither
    return first, second


def test_rows_that_nothing_tells_apart_leave_room_for_a_difference() -> None:
    result = paired_shares(*shares(90, 0, 0, 10))

    assert (result.first, result.second) == (0.9, 0.9)
    assert (result.low, result.high) == pytest.approx((-(Z**2) / (100 + Z**2), Z**2 / (100 + Z**2)))
    assert result.high == pytest.approx(least_bound(100))


@pytest.mark.parametrize("counts", [(36, 12, 2, 0), (900, 30, 25, 45), (5, 1, 0, 2), (0, 3, 0, 0)])
def test_the_ends_of_an_interval_are_where_the_score_test_begins_to_refuse(counts: tuple[int, int, int, int]) -> None:
    _, lost, won, _ = counts
    rows = sum(counts)
    result = paired_shares(*shares(*counts))

    assert -1 <= result.low < (lost - won) / rows <= result.high <= 1
    mirrored = paired_shares(*reversed(shares(*counts)))
    assert (mirrored.low, mirrored.high) == pytest.approx((-result.high, -result.low))
    for end in (result.low, result.high):
        if abs(end) < 1:
            assert abs(score(lost, won, rows, end)) == pytest.approx(Z, abs=1e-3)


def score(lost: int, won: int, rows: int, difference: float) -> float:
    """The score statistic, its nuisance share found by trying (Tango 1998)."""

    def likelihood(share: float) -> float:
        one, other, rest = share + difference, share, 1 - 2 * share - difference
        terms = ((lost, one), (won, other), (rows - lost - won, rest))
        if any(chance < 0 or (count and chance <= 0) for count, chance in terms):
            return -math.inf
        return sum(count * math.log(chance) for count, chance in terms if count)

    low, high = max(0.0, -difference), (1 - difference) / 2
    best = max((low + (high - low) * step / 200_000 for step in range(200_001)), key=likelihood)
    variance = rows * (2 * best + difference - difference**2)
    return (lost - won - rows * difference) / math.sqrt(variance)


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (3, 3), (0, 5), (1, 9), (12, 2), (40, 71)])
def test_the_exact_test_is_that_of_a_fair_coin(lost: int, won: int) -> None:
    apart = lost + won
    tail = sum(math.comb(apart, k) for k in range(min(lost, won) + 1)) / 2**apart

    assert mcnemar(lost, won) == mcnemar(won, lost) == pytest.approx(min(1.0, 2 * tail))
    assert paired_shares(*shares(50, lost, won, 0)).p == mcnemar(lost, won)


def test_the_exact_test_takes_many_rows() -> None:
    assert mcnemar(50_000, 50_700) == pytest.approx(0.0275, abs=5e-4)  # 2.2 standard errors
    assert mcnemar(0, 100_000) == 0


def test_a_plain_difference_of_means_is_told_by_its_draws_and_none_is_not() -> None:
    draw = random.Random(5)
    first = [draw.gauss(0.0, 1.0) for _ in range(300)]
    far, near = ([value + shift + draw.gauss(0.0, 0.5) for value in first] for shift in (0.3, 0.0))

    assert paired_difference(first, far, statistics.fmean).p == pytest.approx(2 / 1001)
    assert paired_difference(first, near, statistics.fmean).p > 0.05
