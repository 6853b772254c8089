"""An image in the terminal: two pixels a character, one in its foreground and one in its background."""

from __future__ import annotations

from pathlib import Path

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

HALF = "▀"
Pixels = tuple[tuple[tuple[int, int, int], ...], ...]


class Picture(Widget):
    """Shows an image as large as there is room for."""

    DEFAULT_CSS = "Picture { height: 1fr; min-height: 6; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strips: list[Strip] = []

    def show(self, pixels: Pixels) -> None:
        """Show these pixels; an even number of lines."""
        self._strips = [
            Strip(
                [
                    Segment(HALF, Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower)))
                    for upper, lower in zip(pixels[row], pixels[row + 1], strict=True)
                ]
            )
            for row in range(0, len(pixels) - 1, 2)
        ]
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y].extend_cell_length(self.size.width, self.rich_style).crop(0, self.size.width)
        return Strip.blank(self.size.width, self.rich_style)


def pixels_of(path: str | Path, columns: int, lines: int) -> Pixels | str:
    """An image reduced to a terminal's size, its proportions kept; or why there is none.

    Args:
        path: of the file.
        columns: of the terminal, one pixel each.
        lines: of the terminal, two pixels each.
    """
    from zoo.data.images import read_image
    from zoo.prediction import Rejected

    image = read_image(Path(path).expanduser())
    if isinstance(image, Rejected):
        return image.reason
    scale = min(columns / image.width, 2 * lines / image.height)
    width = max(1, round(image.width * scale))
    height = max(2, round(image.height * scale) // 2 * 2)
    data = image.resize((width, height)).tobytes()
    return tuple(
        tuple(
            (data[3 * (row * width + x)], data[3 * (row * width + x) + 1], data[3 * (row * width + x) + 2])
            for x in range(width)
        )
        for row in range(height)
    )
