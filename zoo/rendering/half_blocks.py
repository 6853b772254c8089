"""Blocks of pictures in characters: two pixels a cell, and the labels of boxes where they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.answers import Rejected
from zoo.blocks import Boxes, BoxMark, DrawnBlock, Sound
from zoo.rendering.cells import HALF, PictureCell, PictureCells
from zoo.rendering.colours import ink_on, label_colour
from zoo.rendering.pictures import mark, read_picture, scaled, tag_texts
from zoo.rendering.sounds import sound_cells
from zoo.text_table import cell_width

if TYPE_CHECKING:
    from PIL.Image import Image


def half_blocks(block: DrawnBlock, columns: int, lines: int) -> PictureCells | Rejected:
    """A picture as large as there is room for, its proportions kept; or why there is none.

    Args:
        block: a picture with or without boxes or a mask; or a recording, which takes all of the room.
        columns: of the terminal.
        lines: of the terminal, each twice as high as a column is wide.
    """
    if isinstance(block, Sound):
        return sound_cells(block, columns, lines)
    image = read_picture(block)
    if isinstance(image, Rejected):
        return image
    scale = min(columns / image.width, 2 * lines / image.height)
    size = max(1, round(image.width * scale)), max(2, round(image.height * scale) // 2 * 2)
    drawn = mark(image, block, size, texts=False)
    if isinstance(drawn, Rejected):
        return drawn
    rows = _cells(drawn)
    if isinstance(block, Boxes):
        _write_tags(rows, block, size)
    return tuple(map(tuple, rows))


def _cells(image: Image) -> list[list[PictureCell]]:
    values: Any = iter(image.tobytes())
    colours = zip(values, values, values, strict=True)
    rows = [[next(colours) for _ in range(image.width)] for _ in range(image.height)]
    return [
        [PictureCell(HALF, upper, lower) for upper, lower in zip(rows[row], rows[row + 1], strict=True)]
        for row in range(0, image.height - 1, 2)
    ]


def _write_tags(rows: list[list[PictureCell]], block: Boxes, size: tuple[int, int]) -> None:
    """The texts of boxes on their upper edges: the longest no wider than the box, unless it would cover another."""
    covered: set[tuple[int, int]] = set()
    for box in block.boxes:
        left, top, right, _ = scaled(box, block, size)
        text = next((text for text in tag_texts(box) if text and cell_width(text) <= right - left + 1), "")
        places = {(top // 2, column) for column in range(left, left + cell_width(text))}
        if not places & covered:
            covered |= places
            _write(rows[top // 2], left, text, box)


def _write(row: list[PictureCell], column: int, text: str, box: BoxMark) -> None:
    ground = label_colour(box.label)
    last = column
    for character in text:
        width = cell_width(character)
        if not width:
            row[last] = row[last]._replace(text=row[last].text + character)
            continue
        row[column : column + width] = [
            PictureCell(character if not n else "", ink_on(ground), ground) for n in range(width)
        ]
        last, column = column, column + width
