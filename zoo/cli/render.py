"""Blocks as the command line draws them: lines of text, in colour where stdout is a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from zoo.answers import Prediction, Rejected
from zoo.blocks import (
    Bars,
    Block,
    Boxes,
    Curve,
    DrawnBlock,
    Mask,
    Matrix,
    Paragraph,
    Picture,
    Report,
    Sound,
    Spans,
    Table,
    Tone,
    Vector,
)
from zoo.cli import output
from zoo.rendering.cells import PictureCells
from zoo.rendering.colours import Colour, label_colour
from zoo.rendering.curves import GUTTER, LEAST_WIDTH, beside
from zoo.rendering.legend import legend, more_boxes
from zoo.rendering.sounds import NOT_AT_HAND, sound_cells
from zoo.rendering.spans import MarkedPart, marked_text, more_spans, parts_of, span_list
from zoo.rendering.text import cell_texts, displayed_labels, matrix_lines
from zoo.sanitize import one_line
from zoo.text_table import render_table
from zoo.units import bar

SHOWN_LABELS = 5
"""Labels shown of an answer that has more."""
SHOWN_NUMBERS = 8
SOUND_LINES = 15
"""Of a recording."""
CURVE_WIDTH, CURVE_LINES = 100, 8
"""Columns that curves take at most, and lines."""
SMALL_REPORT = 30
"""Rows up to which a table or a matrix of a report is shown."""
MATRIX_WIDTH = 100
"""Columns that a matrix may take where stdout is no terminal."""


class Line(NamedTuple):
    """One line of text."""

    text: str
    tone: Tone = "plain"
    swatch: Colour | None = None
    """The colour that it is about."""
    parts: tuple[MarkedPart, ...] = ()
    """What it consists of, where some of that is marked."""


def show_answer(
    source: str, answer: Prediction, *, with_picture: bool = False, drawing: DrawnBlock | None = None
) -> None:
    """Write one answer to stdout, the input included.

    Args:
        source: the input, as a person sees it.
        answer: what the model said of it.
        with_picture: whether its pictures are drawn, where stdout is a terminal that shows colours.
        drawing: of the input, between it and the answer.
    """
    for place, block in enumerate(answer.blocks(source)):
        if with_picture and isinstance(block, Picture | Boxes | Mask):
            show_drawing(block)
        for line in render([block]):
            output.line(*line)
        if drawing is not None and place == 0:
            show_drawing(drawing)


def show_drawing(block: DrawnBlock) -> None:
    """Draw a picture where stdout is a terminal that shows colours, and a recording where it is any terminal."""
    if (room := output.picture_room(colours=not isinstance(block, Sound))) is None:
        return
    picture = drawn_cells(block, room[0], min(room[1], SOUND_LINES) if isinstance(block, Sound) else room[1])
    output.line(f"  no picture: {picture.reason}") if isinstance(picture, Rejected) else output.picture(picture)


def drawn_cells(block: DrawnBlock, columns: int, lines: int) -> PictureCells | Rejected:
    """A picture, or a recording, as large as there is room for, as stdout shows it; or why there is none."""
    if isinstance(block, Sound):
        return sound_cells(block, columns, lines, colours=output.shows_colours())
    from zoo.rendering.half_blocks import half_blocks

    return half_blocks(block, columns, lines)


def show_report(report: Report, *, headings: bool = False) -> None:
    """Write those blocks of a report to stdout that are not too long, with an empty line between them.

    Args:
        report: of an evaluation.
        headings: whether their titles are shown, where it is of several sources.
    """
    for place, block in enumerate(block for block in report if _length(block) <= SMALL_REPORT):
        if place:
            output.line()
        if headings and block.title:
            output.line(one_line(block.title), "strong")
        for line in render([block], output.width()):
            output.line(*line)


def show_blocks(blocks: Iterable[Block]) -> None:
    """Write blocks to stdout, all of each, below their titles and with an empty line between them."""
    for place, block in enumerate(blocks):
        if place:
            output.line()
        if block.title:
            output.line(one_line(block.title), "strong")
        for line in render([block], output.width()):
            output.line(*line)


def show_curves(rows: Sequence[Sequence[Curve]]) -> None:
    """Write curves to stdout, each row of them side by side, as many as there is room for."""
    width = min(output.width() or CURVE_WIDTH, CURVE_WIDTH)
    columns = max(1, (width + GUTTER) // (LEAST_WIDTH + GUTTER))
    for row in rows:
        for start in range(0, len(row), columns):
            for text in beside(row[start : start + columns], width, CURVE_LINES):
                output.line(text)


def _length(block: Block) -> int:
    """Rows of a table or a matrix."""
    return len(block.rows) if isinstance(block, Table) else len(block.labels) if isinstance(block, Matrix) else 1


def render(blocks: Iterable[Block], width: int | None = None) -> Iterator[Line]:
    """The lines of blocks, one below the other; those of an answer are indented below its input.

    Args:
        blocks: of an answer or of a report.
        width: columns of the terminal; None where there is none.
    """
    for block in blocks:
        match block:
            case Paragraph():
                indent = "" if block.tone == "strong" else "  "
                yield Line(indent + one_line(block.text), block.tone)
            case Bars():
                yield from map(Line, _bars(block))
            case Vector():
                numbers = " ".join(f"{number:+.4f}" for number in block.numbers[:SHOWN_NUMBERS])
                more = " ..." if len(block.numbers) > SHOWN_NUMBERS else ""
                yield Line(f"  {len(block.numbers)} numbers: {numbers}{more} (--json gives all)")
            case Table():
                yield from map(Line, render_table(cell_texts(block), block.headers, width=width))
            case Curve():
                yield from map(Line, beside([block], min(width or CURVE_WIDTH, CURVE_WIDTH), CURVE_LINES))
            case Matrix():
                yield from map(Line, matrix_lines(block, width or MATRIX_WIDTH))
            case Picture() | Boxes() | Mask():
                yield from _labelled_list(legend(block), more_boxes(block))
            case Sound():
                yield Line(f"  {one_line(block.recording or NOT_AT_HAND)}")
            case Spans():
                yield Line(marked_text(block), parts=tuple(parts_of(block)))
                if listed := span_list(block):
                    yield from _labelled_list(listed, more_spans(block))


def _labelled_list(listed: Table | Paragraph, more: str) -> Iterator[Line]:
    """Rows that begin with a label."""
    if isinstance(listed, Paragraph):
        yield from render([listed])
        return
    head, *lines = render_table(cell_texts(listed), listed.headers)
    yield Line(f"  {head}")
    for text, row in zip(lines, listed.rows, strict=True):
        yield Line(f"  {text}", swatch=label_colour(str(row[0])))
    if more:
        yield Line(f"  {more}")


def _bars(block: Bars) -> list[str]:
    bars = block.bars[:SHOWN_LABELS]
    names = displayed_labels(one.label for one in bars)
    width = max(map(len, names), default=0)
    return [f"  {name:<{width}}  {bar(one.share)} {one.share:6.1%}" for name, one in zip(names, bars, strict=True)]
