"""Successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): who goes on, and on how many rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

KEPT = Fraction(1, 2)
"""Of those that take part in a round."""
FEWEST_ROWS = 32
"""That a network learns from in a round."""


class Round(NamedTuple):
    """A short fine-tuning of those that are left."""

    share: Fraction
    """Of the rows, and so of the steps."""
    kept: int
    """How many go on."""

    def rows(self, all_rows: int) -> int:
        """How many of all they learn from."""
        return min(all_rows, max(FEWEST_ROWS, math.ceil(self.share * all_rows)))

    @property
    def words(self) -> str:
        """What a figure of it is of."""
        return f"{self.share} of the rows"


def probed_number(entrants: int, finalists: int) -> int:
    """How many go on after nobody was trained."""
    return max(finalists, math.ceil(KEPT * entrants))


def rounds_of(entrants: int, finalists: int, all_rows: int) -> list[Round]:
    """The rounds before the finalists learn from all rows: each of twice as many rows as the one before, the last of a
    quarter. Of rounds of as many rows, as those of few are, one is enough.

    Args:
        entrants: that take part in the first.
        finalists: that are left in the end.
        all_rows: that there are to learn from.
    """
    numbers = []
    while entrants > finalists:
        entrants = max(finalists, math.ceil(KEPT * entrants))
        numbers.append(entrants)
    rounds = [Round(Fraction(1, 4 * 2 ** (len(numbers) - 1 - place)), kept) for place, kept in enumerate(numbers)]
    return list({one.rows(all_rows): one for one in rounds}.values())


def best(
    figures: Mapping[str, float | None], kept: int, *, larger_is_better: bool, always: Sequence[str] = ()
) -> list[str]:
    """Names of the best, in the order they came in; those without a figure are the last.

    Args:
        figures: of each.
        kept: how many go on.
        larger_is_better: whether larger figures are.
        always: who goes on in any case, beside them.
    """
    sign = -1 if larger_is_better else 1
    known = {name: figure for name, figure in figures.items() if figure is not None}
    ranked = [*sorted(known, key=lambda name: sign * known[name]), *(name for name in figures if name not in known)]
    going_on = {*ranked[:kept], *always}
    return [name for name in figures if name in going_on]
