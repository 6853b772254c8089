"""P-values of several tests at once, corrected for their number: the more tests there are, the more chance finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise


def holm(tests: Sequence[float]) -> list[float]:
    """Corrected by the steps of Holm (1979), which multiply each by how many tests are left.

    Args:
        tests: of each the p-value; one that is not a number stays so, and is none of them.
    """
    order = sorted((p, place) for place, p in enumerate(tests) if not math.isnan(p))
    corrected, largest = [math.nan] * len(tests), 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        corrected[place] = largest
    return corrected


def stepped_down(
    observed: Sequence[float], drawn: Sequence[Sequence[float]], before_each: Callable[[], None] = lambda: None
) -> list[float]:
    """P-values of several differences of the same draws of the rows, corrected by the steps of Romano and Wolf (2005).

    Each is held against the largest that chance makes, draw by draw, of itself and of all smaller ones, each in
    units of its own spread. A p-value of draws is never 0: Holm's steps, which multiply it, would find nothing among
    many tests, however far apart models are.

    Args:
        observed: of all rows; one that is not a number stays so, and is none of them.
        drawn: of each difference, those of the draws, in the same order for all; not a number where there is none.
        before_each: called before each step; may raise.
    """
    spreads = [_spread(of) for of in drawn]
    sizes = [_size(*one) for one in zip(observed, spreads, strict=True)]
    order = sorted((place for place, one in enumerate(sizes) if not math.isnan(one)), key=lambda place: -sizes[place])
    corrected = [math.nan] * len(observed)
    largest = [0.0] * len(drawn[0]) if drawn else []
    for place in reversed(order):
        before_each()
        chance = (abs(_size(one - observed[place], spreads[place])) for one in drawn[place])
        largest = [max(most, one) if math.isfinite(one) else most for most, one in zip(largest, chance, strict=True)]
        known = [most for most, one in zip(largest, drawn[place], strict=True) if math.isfinite(one)]
        corrected[place] = (1 + sum(most >= sizes[place] for most in known)) / (len(known) + 1)
    for before, place in pairwise(order):
        corrected[place] = max(corrected[place], corrected[before])
    return corrected


def _spread(values: Sequence[float]) -> float:
    """Standard deviation of those that are numbers; not a number where there are fewer than two."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return math.nan
    mean = math.fsum(known) / len(known)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1))


def _size(difference: float, spread: float) -> float:
    """How large a difference is beside what chance makes of it."""
    if not math.isfinite(difference):
        return math.nan
    if not spread:
        return math.inf if difference else 0.0
    return abs(difference) / spread
