"""An image in the terminal: by its graphics protocol, or two pixels a character, one of them its background."""

from __future__ import annotations

import io
from pathlib import Path
from random import randrange
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from zoo.tui.graphics import ROWS, Graphics, forgotten, image_messages, placeholders

if TYPE_CHECKING:
    from PIL.Image import Image

HALF = "▀"
PIXELS_PER_COLUMN = 12
"""A cell of a terminal that draws images itself has about so many pixels, and twice as many lines."""


class Pixels(NamedTuple):
    """An image to be drawn in half blocks."""

    rows: tuple[tuple[tuple[int, int, int], ...], ...]
    """(red, green, blue); an even number of rows."""


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

    def show(self, image: Pixels | Png) -> None:
        """Show it in place of what was shown."""
        self._forget()
        self._strips = _half_blocks(image) if isinstance(image, Pixels) else self._send_image(image)
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


def _half_blocks(image: Pixels) -> list[Strip]:
    return [
        Strip(
            [
                Segment(HALF, Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower)))
                for upper, lower in zip(image.rows[row], image.rows[row + 1], strict=True)
            ]
        )
        for row in range(0, len(image.rows) - 1, 2)
    ]


def fit_image(path: str | Path, columns: int, lines: int, graphics: Graphics) -> Pixels | Png | str:
    """An image reduced to a terminal's size, its proportions kept; or why there is none.

    Args:
        path: of the file.
        columns: of the terminal.
        lines: of the terminal, each twice as high as a column is wide.
        graphics: how it will be drawn.
    """
    from zoo.answers import Rejected
    from zoo.kinds.image_decoding import read_image

    image = read_image(Path(path).expanduser())
    if isinstance(image, Rejected):
        return image.reason
    return _png(image, columns, min(lines, len(ROWS))) if graphics == "kitty" else _pixels(image, columns, lines)


def _pixels(image: Image, columns: int, lines: int) -> Pixels:
    scale = min(columns / image.width, 2 * lines / image.height)
    width = max(1, round(image.width * scale))
    height = max(2, round(image.height * scale) // 2 * 2)
    values: Any = iter(image.resize((width, height)).tobytes())
    colours = zip(values, values, values, strict=True)
    return Pixels(tuple(tuple(next(colours) for _ in range(width)) for _ in range(height)))


def _png(image: Image, columns: int, lines: int) -> Png:
    scale = min(columns / image.width, 2 * lines / image.height)
    across, down = max(1, round(image.width * scale)), max(1, round(image.height * scale / 2))
    image.thumbnail((across * PIXELS_PER_COLUMN, down * 2 * PIXELS_PER_COLUMN))
    file = io.BytesIO()
    image.save(file, "PNG")
    return Png(file.getvalue(), across, down)
