"""Curves drawn in braille: two dots across and four down in each character cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

Point = tuple[float, float]
BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot, by row and column (Unicode 15, braille patterns)."""
TICK_WIDTH = 8


class Curve(Widget):
    """One line over steps, with its range at the left and the first and last step below."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"curve--line", "curve--axis"}
    DEFAULT_CSS = """
    Curve {
        height: 1fr;
        min-height: 4;
        & > .curve--line { color: $accent; }
        & > .curve--axis { color: $text-muted; }
    }
    """

    def __init__(self, title: str, *, empty: str = "nothing yet", id: str | None = None) -> None:
        super().__init__(id=id)
        self.title = title
        """What the line is of."""
        self._empty = empty
        self._points: Sequence[Point] = ()
        self._drawn: tuple[str, Sequence[Point]] | None = None
        self._lines: list[str] = []

    def show(self, points: Sequence[Point]) -> None:
        """Draw other points; those that are no finite numbers are left out."""
        if (self.title, points) != self._drawn:
            self._drawn = (self.title, points)
            self._points = points
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lay the curve out for the size of the widget, once for all of its lines."""
        finite = [(x, y) for x, y in self._points if math.isfinite(x) and math.isfinite(y)]
        self._lines = plot(finite, width=self.size.width - TICK_WIDTH - 1, height=self.size.height - 2)
        self._range = (min((y for _, y in finite), default=0.0), max((y for _, y in finite), default=0.0))
        self._steps = (finite[0][0], finite[-1][0]) if finite else (0.0, 0.0)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        axis, line = (self.get_component_rich_style(f"curve--{part}", partial=True) for part in ("axis", "line"))
        base = self.rich_style
        axis, line = base + axis, base + line
        if y == 0:
            newest = f"  {self._points[-1][1]:.4g}" if self._points else ""
            return _strip([(self.title + newest, axis + Style(bold=True))], width, base)
        if not any(text.strip(chr(BRAILLE)) for text in self._lines):
            return _strip([(f"{' ' * TICK_WIDTH} {self._empty}" if y == 1 else "", axis)], width, base)
        if y == self.size.height - 1:
            first, last = (f"{step:,.0f}" for step in self._steps)
            space = max(1, width - TICK_WIDTH - 1 - len(first) - len(last))
            return _strip([(" " * (TICK_WIDTH + 1) + first + " " * space + last, axis)], width, base)
        row = y - 1
        if row >= len(self._lines):
            return _strip([], width, base)
        tick = {0: self._range[1], len(self._lines) - 1: self._range[0]}.get(row)
        label = f"{tick:.4g}"[:TICK_WIDTH] if tick is not None else ""
        return _strip([(f"{label:>{TICK_WIDTH}} ", axis), (self._lines[row], line)], width, base)


def plot(points: Sequence[Point], *, width: int, height: int) -> list[str]:
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


def _dots(points: Sequence[Point], *, columns: int, rows: int) -> set[tuple[int, int]]:
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


def _strip(parts: list[tuple[str, Style]], width: int, base: Style) -> Strip:
    return Strip([Segment(text, style) for text, style in parts]).extend_cell_length(width, base).crop(0, width)
