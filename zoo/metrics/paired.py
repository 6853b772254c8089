"""By how much two models differ on the same rows, and how sure that is."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from zoo.metrics.intervals import FEWEST_RESAMPLES, RESAMPLES, SEED, Z, middle

MOST_ANSWERS = 1_000_000
"""That are judged for an interval: with many rows there are fewer resamples."""


class Difference(NamedTuple):
    """Of a figure of two models."""

    first: float
    second: float
    low: float
    """Of the interval of the first less the second; not a number where one of them is none."""
    high: float
    p: float = math.nan
    """Of the two-sided test that there is no difference; not a number where no draw of the rows has a figure."""


def mcnemar(lost: int, won: int) -> float:
    """The exact two-sided test of McNemar (1947): how likely rows are parted as unevenly as these by a fair coin.

    Args:
        lost: rows that only the first model has right.
        won: rows that only the second has right.
    """
    apart = lost + won
    if lost == won:
        return 1.0
    logs = (math.lgamma(apart + 1) - math.lgamma(k + 1) - math.lgamma(apart - k + 1) for k in range(min(lost, won) + 1))
    return min(1.0, 2 * math.fsum(math.exp(log - apart * math.log(2)) for log in logs))


def paired_shares(first: Sequence[bool], second: Sequence[bool]) -> Difference:
    """The shares of rows that two models have right, with a 95% interval of the difference.

    The interval is the score interval of paired shares (Tango 1998), which also holds where few rows or none are told
    apart: of n rows that both have right, it reaches to about 3.84 / n. The test is that of McNemar.

    Args:
        first: whether each row is right with one model.
        second: the same of the other, in the same order.
    """
    rows = len(first)
    lost = sum(one and not other for one, other in zip(first, second, strict=True))
    won = sum(other and not one for one, other in zip(first, second, strict=True))
    low, high = -_upper_bound(won, lost, rows), _upper_bound(lost, won, rows)
    return Difference(sum(first) / rows, sum(second) / rows, low, high, mcnemar(lost, won))


def least_bound(rows: int) -> float:
    """Where the interval of a difference between two shares ends if no row is told apart, 0 to 1."""
    return Z**2 / (rows + Z**2)


def _upper_bound(lost: int, won: int, rows: int) -> float:
    """The largest difference that the score test does not refuse."""

    def is_refused(difference: float) -> bool:
        b = (2 * rows - lost + won) * difference - lost - won
        c = -won * difference * (1 - difference)
        share = (math.sqrt(max(0.0, b * b - 8 * rows * c)) - b) / (4 * rows)
        variance = rows * (2 * share + difference * (1 - difference))
        return rows * difference - (lost - won) > Z * math.sqrt(max(0.0, variance))

    low, high = (lost - won) / rows, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if is_refused(middle) else (middle, high)
    return high


def draws_of(rows: int) -> int:
    """How often so many rows are drawn anew."""
    return max(FEWEST_RESAMPLES, min(RESAMPLES, MOST_ANSWERS // max(1, rows)))


def paired_difference(
    first: Sequence[Any],
    second: Sequence[Any],
    figure: Callable[[Sequence[Any]], float],
    *,
    resamples: int = RESAMPLES,
    on_draw: Callable[[int, int], None] = lambda done, draws: None,
) -> Difference:
    """A figure of the answers of two models to the same rows, with a 95% interval of the difference.

    The interval and the test are those of a paired bootstrap (Koehn 2004): rows are drawn anew, with replacement, the
    same for both.

    Args:
        first: what the figure takes of each row of one model.
        second: the same of the other, in the same order.
        figure: of some rows; not a number where they have none.
        resamples: the most draws.
        on_draw: told before each draw how many are done, and how many there are in all; may raise.
    """
    figures = figure(first), figure(second)
    if not all(map(math.isfinite, figures)):
        return Difference(*figures, math.nan, math.nan)
    draws = min(resamples, draws_of(len(first)))
    drawn = drawn_figures((first, second), figure, draws, on_draw)
    return drawn_difference(*figures, [one - other for one, other in drawn])


def drawn_figures(
    answers: Sequence[Sequence[Any]],
    figure: Callable[[Sequence[Any]], float],
    draws: int,
    on_draw: Callable[[int, int], None] = lambda done, draws: None,
    begun: int = 0,
) -> Iterator[tuple[float, ...]]:
    """Of each draw of the rows, with replacement, the same for all models, the figure of each.

    Args:
        answers: of each model, what the figure takes of each row.
        figure: of some rows; not a number where they have none.
        draws: how many there are in all; the first ones are the same however many there are.
        on_draw: told before each draw how many are done, and how many there are in all; may raise.
        begun: draws that are done already.
    """
    draw, rows = random.Random(SEED), range(len(answers[0]))  # noqa: S311  (statistics)
    for done in range(draws):
        drawn = draw.choices(rows, k=len(rows))
        if done >= begun:
            on_draw(done, draws)
            yield tuple(figure([of[i] for i in drawn]) for of in answers)


def drawn_difference(first: float, second: float, drawn: Sequence[float]) -> Difference:
    """The difference of two figures, with its interval and the test.

    Args:
        first: figure of all rows.
        second: that of the other model.
        drawn: the difference in each draw of the rows; not a number where one of them has no figure.
    """
    known = list(filter(math.isfinite, drawn))
    interval = middle(known or [math.nan])
    return Difference(first, second, interval.low, interval.high, _bootstrap_p(known))


def _bootstrap_p(differences: Sequence[float]) -> float:
    """Twice the share of draws on the rarer side of no difference; never 0, as more draws might be there."""
    if not differences:
        return math.nan
    sides = sum(one <= 0 for one in differences), sum(one >= 0 for one in differences)
    return min(1.0, 2 * (min(sides) + 1) / (len(differences) + 1))
