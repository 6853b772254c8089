"""A few rows of a data set at a terminal: each drawn, with what the data say of it to the right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import zip_longest

from zoo.answers import Rejected
from zoo.blocks import DrawnBlock, Sound
from zoo.cli import output
from zoo.cli.render import drawn_cells
from zoo.rendering.cells import PictureCell, PictureCells
from zoo.rendering.colours import label_colour
from zoo.rendering.legend import caption
from zoo.sanitize import one_line
from zoo.text_table import cell_width, shortened

SOUND_LINES, PICTURE_LINES = 6, 10
"""Of each."""
LEAST_COLUMNS = 20
"""Of a terminal; one with fewer shows none."""
GAP, SWATCH = "  ", "■ "


def show_samples(blocks: Iterable[DrawnBlock]) -> None:
    """Draw recordings where stdout is any terminal, pictures where it shows colours; those that can be read."""
    for block in blocks:
        room = output.picture_room(colours=not isinstance(block, Sound))
        if room is None or room[0] < LEAST_COLUMNS:
            continue
        columns = room[0] // 2
        lines = SOUND_LINES if isinstance(block, Sound) else PICTURE_LINES
        picture = drawn_cells(block, columns, lines)
        if isinstance(picture, Rejected):  # an inspection says why
            continue
        texts = _caption_cells(block, room[0] - columns - len(GAP), lines)
        rows = zip_longest(picture, texts, fillvalue=())
        output.picture([(*row, PictureCell(" " * (columns - len(row)) + GAP), *text) for row, text in rows])
        output.line()


def _caption_cells(block: DrawnBlock, columns: int, most: int) -> PictureCells:
    """Its title over several lines, and a line for each of its labels."""
    title, labels = caption(block)
    if isinstance(labels, str):
        return *_wrapped(title, columns, most - 1), *_wrapped(labels, columns, 1)
    texts = [(label, shortened(one_line(f"{label} {count}"), columns - len(SWATCH))) for label, count in labels]
    lines = [(PictureCell(SWATCH, label_colour(label)), PictureCell(text)) for label, text in texts]
    return *_wrapped(title, columns, 1), *lines[: most - 1]


def _wrapped(text: str, columns: int, most: int) -> PictureCells:
    """A text in lines of one cell each."""
    text = one_line(text)
    width = columns if cell_width(text) == len(text) else columns // 2
    lines = textwrap.wrap(text, width, max_lines=most, placeholder=" …")
    return tuple((PictureCell(line),) for line in lines)
