"""Curves of several runs laid over one another, and the legend: each run has a colour and a marker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from zoo.blocks import Curve
from zoo.rendering.overlaid import MARKERS, Part, overlaid_lines
from zoo.sanitize import one_line

COLOURS = (
    "$text-accent",
    "$text-success",
    "$text-warning",
    "$text-error",
    "$text-primary",
    "$text-secondary",
    "$foreground",
    "$text-muted",
)
"""Of the markers, in their order."""
GAPS = 6
"""Columns that a run takes in the legend beside its name and what is said of it."""
MOST_LINES = 2
"""Of the legend, where something is said of each run."""
LEAST_DRAWING = 36
"""Columns that a drawing needs."""


def legend(names: Sequence[str], notes: Sequence[tuple[str, str]], width: int) -> Content:
    """Which marker is whose.

    Args:
        names: of runs, in the order of their curves.
        notes: what is said of each, and its style; left out where it would take more than two lines.
        width: columns of the terminal there are; a run is not broken over two lines.
    """
    if _lines_of(names, notes, width) > MOST_LINES:
        notes = [("", "")] * len(names)
    parts, used = list[tuple[str, str]](), 0
    for marker, colour, name, note in zip(MARKERS, COLOURS, names, notes, strict=False):
        columns = len(name) + len(note[0]) + GAPS
        if used and used + columns > width:
            parts, used = [*parts[:-1], ("\n", "")], 0
        parts += [(f"{marker} {one_line(name)}", f"bold {colour}"), (" ", ""), note, ("   ", "")]
        used += columns
    return Content.assemble(*parts)


def _lines_of(names: Sequence[str], notes: Sequence[tuple[str, str]], width: int) -> int:
    """How many lines runs take of which none is broken."""
    lines, used = 1, 0
    for name, (note, _) in zip(names, notes, strict=True):
        columns = len(name) + len(note) + GAPS
        lines, used = (lines + 1, columns) if used and used + columns > width else (lines, used + columns)
    return lines


class OverlaidCurve(Widget):
    """The same figure of several runs."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"overlaid--axis", *(f"overlaid--{i}" for i in range(len(MARKERS)))}
    DEFAULT_CSS = """
    OverlaidCurve {
        height: 1fr;
        min-height: 4;
        & > .overlaid--axis { color: $text-muted; }
    }
    """ + "\n".join(f"OverlaidCurve > .overlaid--{i} {{ color: {colour}; }}" for i, colour in enumerate(COLOURS))

    def __init__(self) -> None:
        super().__init__()
        self._drawn: tuple[str, tuple[Curve, ...]] = ("", ())
        self._lines: list[list[Part]] = []

    def show(self, title: str, curves: tuple[Curve, ...]) -> None:
        """Draw others."""
        if (title, curves) != self._drawn:
            self._drawn = (title, curves)
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lay the curves out for the size of the widget, once for all of its lines."""
        self._lines = overlaid_lines(*self._drawn, self.size.width, self.size.height)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        segments = []
        for text, curve in self._lines[y] if y < len(self._lines) else ():
            style = base + self.get_component_rich_style(
                f"overlaid--{'axis' if curve is None else curve}", partial=True
            )
            segments.append(Segment(text, style))
        return Strip(segments).extend_cell_length(width, base).crop(0, width)


class OverlaidCurves(Horizontal):
    """Drawings side by side, as many as there is room for; the others come when they are asked for."""

    DEFAULT_CSS = "OverlaidCurves { padding: 0 1; } OverlaidCurve { width: 1fr; margin-right: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawings: dict[str, tuple[Curve, ...]] = {}
        self._first = 0

    def show(self, drawings: dict[str, tuple[Curve, ...]]) -> None:
        """Draw what runs have curves of, by its title."""
        self._drawings = drawings
        self._draw()

    def show_next(self) -> None:
        """Begin with the drawing that has no room, or with the first again."""
        self._first += self._room
        self._draw()

    @property
    def hides(self) -> bool:
        """Whether there is no room for some."""
        return len(self._drawings) > self._room

    @property
    def _room(self) -> int:
        return max(1, self.size.width // LEAST_DRAWING)

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._first >= len(self._drawings):
            self._first = 0
        shown = list(self._drawings.items())[self._first : self._first + self._room]
        children = list(self.query(OverlaidCurve))
        while len(children) < len(shown):
            children.append(drawing := OverlaidCurve())
            self.mount(drawing)
        for place, drawing in enumerate(children):
            drawing.display = place < len(shown)
            if place < len(shown):
                drawing.show(*shown[place])
