"""Curves in characters: braille, two dots across and four down in each cell, with their range and their ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from zoo.blocks import Curve, CurvePoint
from zoo.sanitize import one_line
from zoo.text_table import padded, shortened

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot, by row and column (Unicode 15, braille patterns)."""
TICK_WIDTH = 8
"""Columns of the figures at the left."""
LEAST_WIDTH = 24
"""Columns that a curve needs."""
GUTTER = 1
"""Columns between curves that stand side by side."""


class CurveLine(NamedTuple):
    """A line of a curve."""

    axis: str
    """What is written: the title, a figure of the range, or the first and the last x."""
    drawn: str = ""
    """What is drawn behind it."""


def curve_lines(curve: Curve, width: int, height: int, *, empty: str = "nothing yet") -> list[CurveLine]:
    """A curve: its title with the newest figure, what is drawn, and where it begins and ends.

    Args:
        curve: of any number of points.
        width: columns there are.
        height: lines there are.
        empty: what stands where there is no point.
    """
    points, title = curve.points, one_line(curve.title)
    if not points:
        return [CurveLine(shortened(title, width)), CurveLine(" " * (TICK_WIDTH + 1) + empty)][:height]
    room = max(1, width - TICK_WIDTH - 1)
    low, high = min(y for _, y in points), max(y for _, y in points)
    rows = plot(points, width=room, height=height - 2)
    ticks = {len(rows) - 1: low, 0: high}
    drawn = [CurveLine(f"{_figure(ticks.get(row)):>{TICK_WIDTH}} ", line) for row, line in enumerate(rows)]
    first, last = (f"{x:,.0f}" for x in (points[0][0], points[-1][0]))
    ends = f"{' ' * (TICK_WIDTH + 1)}{first}{last:>{max(len(last) + 1, room - len(first))}}"
    return [CurveLine(shortened(f"{title}  {points[-1][1]:.4g}", width)), *drawn, CurveLine(ends)][:height]


def _figure(value: float | None) -> str:
    """A number with as many digits, four at most, as there is room for."""
    if value is None:
        return ""
    return next(figure for digits in (4, 3, 2, 1) if len(figure := f"{value:.{digits}g}") <= TICK_WIDTH)


def beside(curves: Sequence[Curve], width: int, height: int) -> list[str]:
    """Lines of curves that stand side by side, as wide as there is room for.

    Args:
        curves: at least one.
        width: columns for all of them.
        height: lines of each.
    """
    of_each = (width - GUTTER * (len(curves) - 1)) // len(curves)
    columns = [["".join(line) for line in curve_lines(curve, of_each, height)] for curve in curves]
    rows = (
        [padded(column[row] if row < len(column) else "", of_each) for column in columns]
        for row in range(max(map(len, columns)))
    )
    return [(" " * GUTTER).join(row).rstrip() for row in rows]


def plot(points: Sequence[CurvePoint], *, width: int, height: int) -> list[str]:
    """Draw a line through points as braille.

    Args:
        points: (x, y), by ascending x.
        width: in characters; two dots each.
        height: in lines; four dots each.

    Returns:
        `height` strings of `width` characters.
    """
    if width < 1 or height < 1:
        return []
    cells = [[0] * width for _ in range(height)]
    for x, y in _dots(points, columns=2 * width, rows=4 * height):
        cells[y // 4][x // 2] |= DOTS[y % 4][x % 2]
    return ["".join(chr(BRAILLE | bits) for bits in row) for row in cells]


def _dots(points: Sequence[CurvePoint], *, columns: int, rows: int) -> set[tuple[int, int]]:
    """Dots of the line, from the upper left."""
    if not points:
        return set()
    left, right = points[0][0], points[-1][0]
    low, high = min(y for _, y in points), max(y for _, y in points)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / (right - left) if right > left else 0.5
        up = (y - low) / (high - low) if high > low else 0.5
        return across * (columns - 1), (1 - up) * (rows - 1)

    dots = set()
    before = place(*points[0])
    for point in points:
        here = place(*point)
        steps = max(1, math.ceil(max(abs(here[0] - before[0]), abs(here[1] - before[1]))))
        for i in range(steps + 1):
            share = i / steps
            x = before[0] + (here[0] - before[0]) * share
            y = before[1] + (here[1] - before[1]) * share
            dots.add((round(x), round(y)))
        before = here
    return dots
