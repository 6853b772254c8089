"""An image in the terminal: by its graphics protocol, or two pixels a character, one of them its background."""

from __future__ import annotations

from collections.abc import Iterable
from random import randrange
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from zoo import blocks
from zoo.answers import Rejected
from zoo.blocks import Block, Boxes, DrawnBlock, Mask, PictureBlock, Sound
from zoo.rendering.cells import PictureCell, PictureCells
from zoo.rendering.half_blocks import half_blocks
from zoo.rendering.pictures import mark, png_of, read_picture
from zoo.tui.graphics import ROWS, Graphics, forgotten, image_messages, placeholders

PIXELS_PER_COLUMN = 12
"""A cell of a terminal that draws images itself has about so many pixels, and twice as many lines."""


class Png(NamedTuple):
    """An image that the terminal draws."""

    png: bytes
    columns: int
    rows: int


class Picture(Widget):
    """Shows an image as large as there is room for."""

    DEFAULT_CSS = "Picture { height: 1fr; min-height: 6; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strips: list[Strip] = []
        self._number = 0
        """Of the image that the terminal holds; 0 where it holds none."""

    def show(self, image: PictureCells | Png) -> None:
        """Show it in place of what was shown."""
        self._forget()
        self._strips = self._send_image(image) if isinstance(image, Png) else _strips(image)
        self.refresh()

    def clear(self) -> None:
        """Show nothing."""
        self._forget()
        self._strips = []
        self.refresh()

    def on_unmount(self) -> None:
        self._forget()

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y].extend_cell_length(self.size.width, self.rich_style).crop(0, self.size.width)
        return Strip.blank(self.size.width, self.rich_style)

    def _send_image(self, image: Png) -> list[Strip]:
        self._number = number = randrange(1, 1 << 24)  # noqa: S311 - another than that of other programs will do
        self._write(image_messages(image.png, number, image.columns, image.rows))
        style = Style(color=Color.from_rgb(number >> 16, number >> 8 & 255, number & 255))
        return [Strip([Segment(row, style)], image.columns) for row in placeholders(image.columns, image.rows)]

    def _forget(self) -> None:
        if self._number:
            self._write(forgotten(self._number))
            self._number = 0

    def _write(self, message: str) -> None:
        driver = self.app._driver
        if driver is not None:
            driver.write(message)
            driver.flush()


def _strips(image: PictureCells) -> list[Strip]:
    return [Strip([Segment(cell.text, _style(cell)) for cell in row if cell.text]) for row in image]


def _style(cell: PictureCell) -> Style:
    colours = [Color.from_rgb(*colour) if colour else None for colour in (cell.colour, cell.ground)]
    return Style(color=colours[0], bgcolor=colours[1])


def first_picture(report: Iterable[Block]) -> PictureBlock | None:
    """The first of some blocks that is drawn on a picture at hand."""
    pictures = (block for block in report if isinstance(block, blocks.Picture | Boxes | Mask))
    return next((block for block in pictures if block.image), None)


def fit_picture(block: DrawnBlock, columns: int, lines: int, graphics: Graphics) -> PictureCells | Png | str:
    """A picture with its marks, reduced to a terminal's size, its proportions kept; or why there is none.

    Args:
        block: a picture with or without boxes or a mask; or a recording, which is always drawn in characters.
        columns: of the terminal.
        lines: of the terminal, each twice as high as a column is wide.
        graphics: how it will be drawn.
    """
    if graphics == "kitty" and not isinstance(block, Sound):
        drawn: PictureCells | Png | Rejected = _png(block, columns, min(lines, len(ROWS)))
    else:
        drawn = half_blocks(block, columns, lines)
    return drawn.reason if isinstance(drawn, Rejected) else drawn


def _png(block: PictureBlock, columns: int, lines: int) -> Png | Rejected:
    image = read_picture(block)
    if isinstance(image, Rejected):
        return image
    scale = min(columns / image.width, 2 * lines / image.height)
    across, down = max(1, round(image.width * scale)), max(1, round(image.height * scale / 2))
    image.thumbnail((across * PIXELS_PER_COLUMN, down * 2 * PIXELS_PER_COLUMN))
    drawn = mark(image, block)
    return drawn if isinstance(drawn, Rejected) else Png(png_of(drawn), across, down)
