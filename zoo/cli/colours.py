"""Text in any colour, or in the nearest that the terminal has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.color import ColorSystem

    from zoo.rendering.cells import PictureCell
    from zoo.rendering.colours import Colour


def coloured(cells: Iterable[PictureCell], stream: TextIO) -> str:
    """The control sequences of a line of cells.

    Args:
        cells: texts that are safe for a terminal.
        stream: to the terminal.
    """
    from rich.color import Color
    from rich.style import Style

    def color_of(colour: Colour | None) -> Color | None:
        return Color.from_rgb(*colour) if colour else None

    system = _color_system(stream)
    return "".join(
        Style(color=color_of(cell.colour), bgcolor=color_of(cell.ground)).render(cell.text, color_system=system)
        for cell in cells
        if cell.text
    )


def _color_system(stream: TextIO) -> ColorSystem:
    from rich.color import ColorSystem
    from rich.console import Console

    systems = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "windows": ColorSystem.WINDOWS}
    return systems.get(Console(file=stream).color_system or "", ColorSystem.STANDARD)
