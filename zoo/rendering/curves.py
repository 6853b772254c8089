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
    drawn = [CurveLine(tick(row, len(rows), low, high), line) for row, line in enumerate(rows)]
    ends = CurveLine(ends_line(points[0][0], points[-1][0], room))
    return [CurveLine(shortened(f"{title}  {points[-1][1]:.4g}", width)), *drawn, ends][:height]


def tick(row: int, rows: int, low: float, high: float) -> str:
    """What stands at the left of a row of a drawing: its range, at its ends."""
    return f"{_figure({rows - 1: low, 0: high}.get(row)):>{TICK_WIDTH}} "


def ends_line(first: float, last: float, room: int) -> str:
    """What stands below a drawing of so many columns: where it begins and where it ends."""
    left, right = f"{first:,.0f}", f"{last:,.0f}"
    return f"{' ' * (TICK_WIDTH + 1)}{left}{right:>{max(len(right) + 1, room - len(left))}}"


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
    for x, y in dots(points, Extent.of([points]), columns=2 * width, rows=4 * height) if points else ():
        cells[y // 4][x // 2] |= DOTS[y % 4][x % 2]
    return ["".join(chr(BRAILLE | bits) for bits in row) for row in cells]


class Extent(NamedTuple):
    """What a drawing spans."""

    left: float
    right: float
    low: float
    high: float

    @classmethod
    def of(cls, lines: Sequence[Sequence[CurvePoint]]) -> Extent:
        """Of all points of some lines; at least one has some."""
        xs, ys = ([point[axis] for line in lines for point in line] for axis in (0, 1))
        return cls(min(xs), max(xs), min(ys), max(ys))


def dots(points: Sequence[CurvePoint], extent: Extent, *, columns: int, rows: int) -> set[tuple[int, int]]:
    """Dots of a line, from the upper left.

    Args:
        points: at least one, by ascending x.
        extent: what the whole drawing spans.
        columns: of dots.
        rows: likewise.
    """
    left, right, low, high = extent

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / (right - left) if right > left else 0.5
        up = (y - low) / (high - low) if high > low else 0.5
        return across * (columns - 1), (1 - up) * (rows - 1)

    drawn = set()
    before = place(*points[0])
    for point in points:
        here = place(*point)
        steps = max(1, math.ceil(max(abs(here[0] - before[0]), abs(here[1] - before[1]))))
        for i in range(steps + 1):
            share = i / steps
            x = before[0] + (here[0] - before[0]) * share
            y = before[1] + (here[1] - before[1]) * share
            drawn.add((round(x), round(y)))
        before = here
    return drawn
