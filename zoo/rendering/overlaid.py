"""Several curves in one drawing: each has a marker of its own, so that they are told apart without colours, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from zoo.blocks import Curve
from zoo.rendering.curves import BRAILLE, DOTS, TICK_WIDTH, Extent, dots, ends_line, tick
from zoo.sanitize import one_line
from zoo.text_table import shortened

MARKERS = "●■▲◆○□△◇"
"""In the order of the curves: the filled ones first, which are seen best."""
SPACING = 12
"""Columns between two markers of a curve."""
Place = tuple[int, int]
"""Column and row of a character."""


class Part(NamedTuple):
    """Characters of a line that look alike."""

    text: str
    curve: int | None = None
    """Number of the curve they are of; None for what is written."""


def overlaid_lines(title: str, curves: Sequence[Curve], width: int, height: int) -> list[list[Part]]:
    """Curves on the same axes: what they are of, what is drawn, and where they begin and end.

    Args:
        title: of all of them.
        curves: as many as there are markers at most; one without points is not drawn.
        width: columns there are.
        height: lines there are.
    """
    heading = [Part(shortened(one_line(title), width))]
    drawn = [curve.points for curve in curves if curve.points]
    if not drawn:
        return [heading, [Part(" " * (TICK_WIDTH + 1) + "nothing yet")]][:height]
    extent, room, rows = Extent.of(drawn), max(1, width - TICK_WIDTH - 1), max(0, height - 2)
    cells = _cells(curves, extent, room, rows)
    lines = [
        [Part(tick(row, rows, extent.low, extent.high)), *_joined([cells.get((x, row)) for x in range(room)])]
        for row in range(rows)
    ]
    return [heading, *lines, [Part(ends_line(extent.left, extent.right, room))]][:height]


def _cells(curves: Sequence[Curve], extent: Extent, width: int, height: int) -> dict[Place, Part]:
    """What is drawn, by its place."""
    if height < 1:
        return {}
    lines = [
        _bits(dots(curve.points, extent, columns=2 * width, rows=4 * height)) if curve.points else {}
        for curve in curves
    ]
    cells: dict[Place, Part] = {}
    for number, line in enumerate(lines):
        for place in line:
            bits = 0
            for other in lines:
                bits |= other.get(place, 0)
            cells[place] = Part(chr(BRAILLE | bits), number)
    taken: set[Place] = set()
    for number, line in enumerate(lines):
        for place in _marked(line, number, len(lines), taken):
            taken.add(place)
            cells[place] = Part(MARKERS[number % len(MARKERS)], number)
    return cells


def _bits(line: set[Place]) -> dict[Place, int]:
    """The dots of a line by the characters that they are in."""
    bits: Counter[Place] = Counter()
    for x, y in line:
        bits[x // 2, y // 4] |= DOTS[y % 4][x % 2]
    return bits


def _marked(line: dict[Place, int], number: int, of: int, taken: set[Place]) -> list[Place]:
    """Where a curve has its markers: apart from those of the others, however close the curves are."""
    by_column: dict[int, list[int]] = {}
    for x, y in sorted(line):
        by_column.setdefault(x, []).append(y)
    places = [(x, rows[len(rows) // 2]) for x, rows in by_column.items()]
    free = [place for place in places if place not in taken]
    shift = number * SPACING // of
    marked = [place for place in free if (place[0] - shift) % SPACING == 0] or free[-1:]
    if marked or not places:
        return marked
    x, y = places[-1]  # it is as short as those that lie there: its marker stands beside theirs
    aside = -1 if x >= of else 1
    return [next((x + aside * by, y) for by in range(1, of + 1) if (x + aside * by, y) not in taken)]


def _joined(cells: Sequence[Part | None]) -> list[Part]:
    """Characters side by side, those that look alike as one part."""
    parts: list[Part] = []
    for cell in cells:
        text, curve = cell or Part(" ")
        if parts and parts[-1].curve == curve:
            parts[-1] = Part(parts[-1].text + text, curve)
        else:
            parts.append(Part(text, curve))
    return parts
