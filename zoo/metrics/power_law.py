"""How an error falls with the rows that were learnt from: a power law with a floor, and what it says of more rows.

error(rows) = floor + scale * rows ** -power (Hestness et al. 2017, arXiv:1712.00409; Viering and Loog 2021,
arXiv:2103.10948). How sure it is, a bootstrap tells: the law is fitted anew to errors of drawn rows, moved by what the
first fit has left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from zoo.metrics.intervals import CONFIDENCE, Interval

POWERS = tuple(0.05 * step for step in range(1, 41))
"""That are tried."""
FEWEST = 4
"""Sizes, of which a law with three numbers says anything."""


class PowerLaw(NamedTuple):
    """A law that was fitted."""

    floor: float
    scale: float
    power: float

    def error(self, rows: float) -> float:
        """That it foretells."""
        return float(self.floor + self.scale * rows**-self.power)


class Extrapolated(NamedTuple):
    """An error that a law foretells."""

    rows: int
    error: float
    interval: Interval


def fitted(sizes: Sequence[int], errors: Sequence[float]) -> PowerLaw:
    """The law with the least squares; neither floor nor scale is below 0.

    Args:
        sizes: rows that were learnt from.
        errors: of each.
    """
    import numpy as np

    y, best = np.asarray(errors, dtype=np.float64), (math.inf, PowerLaw(0.0, 0.0, POWERS[0]))
    for power in POWERS:
        x = np.asarray(sizes, dtype=np.float64) ** -power
        spread = x - x.mean()
        scale = float((spread * y).sum() / (spread * spread).sum())
        floor = float(y.mean() - scale * x.mean())
        if scale < 0:
            floor, scale = float(y.mean()), 0.0
        elif floor < 0:
            floor, scale = 0.0, float((x * y).sum() / (x * x).sum())
        left = float(((floor + scale * x - y) ** 2).sum())
        if left < best[0]:
            best = left, PowerLaw(floor, scale, power)
    return best[1]


def extrapolated(
    sizes: Sequence[int], errors: Sequence[float], draws: Any, more: Sequence[int], seed: int = 0
) -> list[Extrapolated]:
    """What errors will be of more rows.

    Args:
        sizes: rows that were learnt from, at least `FEWEST` of them.
        errors: of each.
        draws: the errors of drawn rows, shape (draws, sizes), of numpy.
        more: rows that might be learnt from.
        seed: of the bootstrap.
    """
    import numpy as np

    random, law = np.random.default_rng(seed), fitted(sizes, errors)
    left = np.asarray(errors) - np.array([law.error(size) for size in sizes])
    left *= math.sqrt(len(sizes) / max(1, len(sizes) - len(law)))  # three numbers were fitted to so few points
    foretold = []
    for draw in draws:
        moved = np.asarray(draw) + random.choice(left, len(sizes)) * random.choice((-1, 1), len(sizes))
        again = fitted(sizes, moved)
        foretold.append([again.error(rows) for rows in more])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.asarray(foretold), (tail, 1 - tail), axis=0)
    return [
        Extrapolated(rows, law.error(rows), Interval(min(float(a), law.error(rows)), max(float(b), law.error(rows))))
        for rows, a, b in zip(more, low, high, strict=True)
    ]
