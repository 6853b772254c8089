"""Text in any colour, or in the nearest that the terminal has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.color import ColorSystem

    from zoo.rendering.cells import PictureCell


def coloured(cells: Iterable[PictureCell], stream: TextIO) -> str:
    """The control sequences of a line of cells.

    Args:
        cells: texts that are safe for a terminal.
        stream: to the terminal.
    """
    from rich.color import Color
    from rich.style import Style

    system = _color_system(stream)
    return "".join(
        Style(color=Color.from_rgb(*cell.colour), bgcolor=Color.from_rgb(*cell.ground) if cell.ground else None).render(
            cell.text, color_system=system
        )
        for cell in cells
        if cell.text
    )


def _color_system(stream: TextIO) -> ColorSystem:
    from rich.color import ColorSystem
    from rich.console import Console

    systems = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "windows": ColorSystem.WINDOWS}
    return systems.get(Console(file=stream).color_system or "", ColorSystem.STANDARD)
