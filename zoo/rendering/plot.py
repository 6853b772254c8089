"""Where the line of a curve and the ticks of its axes are drawn, in pixels, for whoever draws them."""

from __future__ import annotations

import math
from typing import NamedTuple

from zoo.blocks import Curve

MOST_TICKS = 5
"""Of an axis."""


class Tick(NamedTuple):
    """A figure beside an axis."""

    place: float
    """Pixels from the left, or from above."""
    text: str


class Plot(NamedTuple):
    """A curve in a frame."""

    line: tuple[tuple[float, float], ...]
    """Pixels from the left and from above."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def plot_of(curve: Curve, width: float, height: float) -> Plot:
    """Lay a curve out.

    Args:
        curve: of one point or more.
        width: of the frame.
        height: of the frame.
    """
    xs, ys = zip(*curve.points, strict=True)
    left, right, low, high = xs[0], xs[-1], min(ys), max(ys)

    def across(x: float) -> float:
        return _share(x, left, right) * width

    def down(y: float) -> float:
        return (1 - _share(y, low, high)) * height

    return Plot(
        tuple((across(x), down(y)) for x, y in curve.points),
        tuple(Tick(across(x), f"{x:,.10g}") for x in round_figures(left, right)),
        tuple(Tick(down(y), f"{y:.4g}") for y in round_figures(low, high)),
    )


def round_figures(low: float, high: float) -> tuple[float, ...]:
    """Figures of a range that are easily read: multiples of 1, 2 or 5 of some power of ten."""
    span = high - low
    if not 0 < span < math.inf:
        return (low,) if low == high else (low, high)
    magnitude = 10.0 ** math.floor(math.log10(span / MOST_TICKS))
    step = next((one * magnitude for one in (1, 2, 5, 10) if one * magnitude >= span / MOST_TICKS), 0.0)
    if step < math.ulp(max(abs(low), abs(high))):  # of figures that hardly differ
        return (low, high)
    return tuple(number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1))


def _share(value: float, low: float, high: float) -> float:
    """How far a value is on its way through a range, half of it where that is none."""
    span = high - low
    return (value - low) / span if 0 < span < math.inf else 0.5
