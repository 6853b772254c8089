"""What is drawn in characters: a colour, a ground and a text for each column of a line."""

from __future__ import annotations

from typing import NamedTuple

from zoo.rendering.colours import Colour

HALF = "▀"


class PictureCell(NamedTuple):
    """One column of a line; the second one of a wide character has no text."""

    text: str
    colour: Colour | None = None
    """None leaves that of the terminal, here and below."""
    ground: Colour | None = None


PictureCells = tuple[tuple[PictureCell, ...], ...]
"""Lines of cells."""
