"""By how much two models differ on the same rows, and how sure that is."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

RESAMPLES, SEED = 1_000, 0
"""Of the rows."""
FEWEST = 200
MOST_ANSWERS = 1_000_000
"""That are judged for an interval: with many rows there are fewer resamples."""
CONFIDENCE = 0.95


class Difference(NamedTuple):
    """Of a figure of two models."""

    first: float
    second: float
    low: float
    """Of the interval of the first less the second."""
    high: float


def paired_difference(
    first: Sequence[Any], second: Sequence[Any], figure: Callable[[Sequence[Any]], float]
) -> Difference:
    """A figure of the answers of two models to the same rows, with a 95% interval of the difference.

    The interval is that of a paired bootstrap (Koehn 2004): rows are drawn anew, with replacement, the same for both.

    Args:
        first: what the figure takes of each row of one model.
        second: the same of the other, in the same order.
        figure: of some rows; not a number where they have none.
    """
    draw, rows = random.Random(SEED), range(len(first))  # noqa: S311  (statistics)
    resamples = max(FEWEST, min(RESAMPLES, MOST_ANSWERS // max(1, len(first))))
    differences = []
    for _ in range(resamples):
        drawn = draw.choices(rows, k=len(rows))
        differences.append(figure([first[i] for i in drawn]) - figure([second[i] for i in drawn]))
    differences = sorted(filter(math.isfinite, differences)) or [math.nan]
    tail = round((1 - CONFIDENCE) / 2 * (len(differences) - 1))
    return Difference(figure(first), figure(second), differences[tail], differences[-1 - tail])
