"""How sure figures are: 95% intervals of shares, and of whatever is computed of rows.

A judge says of each of its figures what it is over (`Judge`'s `intervals`). A share has the score interval of Wilson
(1927); everything else is computed anew of rows that are drawn with replacement (the percentile bootstrap; Efron 1979).
A figure that every draw makes the same, or of too few rows, has no interval rather than one that says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import msgspec

CONFIDENCE = 0.95
Z = 1.959964
"""Of a normal distribution, that leaves 2.5% on either side."""
RESAMPLES, SEED = 1_000, 0
"""Draws of the rows."""
FEWEST_RESAMPLES = 200
MOST_DRAWN = 200_000_000
"""Numbers that are drawn in all: of very many rows there are fewer draws."""
AT_ONCE = 2_000_000
"""Numbers that are drawn at once."""
FEWEST_ROWS = 20
"""That a bootstrap says anything of."""
DEFINED = 0.95
"""Of the draws, the share that must have a figure."""


class Interval(msgspec.Struct, frozen=True):
    """Where a figure lies with 95% confidence."""

    low: float
    high: float


def wilson_interval(part: int, whole: int) -> Interval | None:
    """Of a share (Wilson 1927); None of nothing.

    Args:
        part: how many are so.
        whole: of how many.
    """
    if not whole:
        return None
    share, squared = part / whole, Z * Z
    middle = (share + squared / (2 * whole)) / (1 + squared / whole)
    half = Z / (1 + squared / whole) * math.sqrt(share * (1 - share) / whole + squared / (4 * whole * whole))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def resampled_intervals(
    rows: int,
    figures: Callable[[Any], Any],
    *,
    times: Sequence[int] | None = None,
    width: int = 1,
    draws: int | None = None,
    guarded: bool = True,
) -> list[Interval | None]:
    """Intervals of figures, by drawing rows anew (percentile bootstrap).

    Args:
        rows: how many there are; of several kinds of rows, how many kinds.
        figures: from how often each row is drawn, shape (draws, rows), to the figures of shape (draws, figures); NaN
            where one is undefined.
        times: how often each kind of row occurs; each row once if not given.
        width: numbers that the figures take of each row; where they are many, rows are drawn less often.
        draws: of the rows; as many as their number allows if not given.
        guarded: whether an interval is left out that says nothing: of few rows, of a figure that many draws lack, or
            that all of them make the same.
    """
    import numpy as np

    counts = None if times is None else np.asarray(times, dtype=np.int64)
    total = rows if counts is None else int(counts.sum())
    random, parts = np.random.default_rng(SEED), []
    left = draws or max(FEWEST_RESAMPLES, min(RESAMPLES, MOST_DRAWN // max(1, rows * width)))
    while left:
        at_once = min(left, max(1, AT_ONCE // max(1, rows)))
        parts.append(figures(_drawn(random, rows, total, counts, at_once)))
        left -= at_once
    return [_interval(column, total, guarded) for column in np.concatenate(parts).T]


def _drawn(random: Any, rows: int, total: int, counts: Any, draws: int) -> Any:
    """How often each row is drawn, float64 of shape (draws, rows)."""
    import numpy as np

    if counts is not None:
        return random.multinomial(total, counts / total, size=draws).astype(np.float64)
    places = random.integers(rows, size=(draws, rows)) + np.arange(draws)[:, None] * rows
    return np.bincount(places.reshape(-1), minlength=draws * rows).reshape(draws, rows).astype(np.float64)


def _interval(values: Any, rows: int, guarded: bool) -> Interval | None:
    """Of the figure of each draw."""
    import numpy as np

    defined = values[np.isfinite(values)]
    if not len(defined):
        return None
    if guarded and (rows < FEWEST_ROWS or len(defined) < DEFINED * len(values) or defined.min() == defined.max()):
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, (tail, 1 - tail))
    return Interval(float(low), float(high))


def middle(values: Sequence[float]) -> Interval:
    """The middle of some draws, by rank: of an interval that is drawn without numpy.

    Args:
        values: of each draw, in any order; one at least.
    """
    ordered = sorted(values)
    tail = round((1 - CONFIDENCE) / 2 * (len(ordered) - 1))
    return Interval(ordered[tail], ordered[-1 - tail])


def intervals_of_sums(
    rows: Any, figures: Callable[[Any], Mapping[str, Any]], *, draws: int | None = None, guarded: bool = True
) -> dict[str, Interval]:
    """Intervals of figures that are computed of sums over rows, by their names; whichever order the rows are in.

    Args:
        rows: what each row adds, shape (rows, numbers).
        figures: from the numbers of some draws, one array a number, each of shape (draws,), to figures of that shape.
        draws: as in `resampled_intervals`.
        guarded: likewise.
    """
    import numpy as np

    rows = np.asarray(rows, dtype=np.float64)
    if not len(rows):
        return {}
    rows = rows[np.lexsort(rows.T)]
    names: list[str] = []

    def of_draws(times: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            by_name = figures((times @ rows).T)
        names[:] = by_name
        return np.stack([*by_name.values()], axis=1)

    width = rows.shape[1]
    return named(names, resampled_intervals(len(rows), of_draws, width=width, draws=draws, guarded=guarded))


def named(names: Sequence[str], intervals: Sequence[Interval | None]) -> dict[str, Interval]:
    """Intervals by the names of their figures, without those that could not be had."""
    return {name: one for name, one in zip(names, intervals, strict=True) if one is not None}


def bounds(interval: Interval | None) -> tuple[float | None, float | None]:
    """Its two ends, as a table has them."""
    return (None, None) if interval is None else (interval.low, interval.high)


def interval_text(interval: Interval | None) -> str:
    """Its two ends in words; empty where there is none."""
    return "" if interval is None else f"{interval.low:.4f} to {interval.high:.4f}"


def intervals_of(judge: Any) -> dict[str, Interval]:
    """Intervals of the figures of a judge or of metrics, by their names; none where it has no method `intervals`."""
    own = getattr(judge, "intervals", None)
    return {} if own is None or not can_draw() else own()


def can_draw() -> bool:
    """Whether numpy is there, which draws rows; plugins that do not need it are judged without intervals elsewhere."""
    return find_spec("numpy") is not None
