"""A curve as a widget, as large as there is room for."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from zoo.blocks import Curve as CurveBlock
from zoo.rendering.curves import CurveLine, curve_lines


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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._block = CurveBlock(points=())
        self._lines: list[CurveLine] = []

    def show(self, block: CurveBlock) -> None:
        """Draw another one."""
        if block != self._block:
            self._block = block
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lay the curve out for the size of the widget, once for all of its lines."""
        self._lines = curve_lines(self._block, self.size.width, self.size.height)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        axis, line = (base + self.get_component_rich_style(f"curve--{part}", partial=True) for part in ("axis", "line"))
        text, drawn = self._lines[y] if y < len(self._lines) else CurveLine("")
        parts = ((text, axis + Style(bold=True) if y == 0 else axis), (drawn, line))
        strip = Strip([Segment(part, style) for part, style in parts if part])
        return strip.extend_cell_length(width, base).crop(0, width)
