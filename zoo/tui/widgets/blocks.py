"""Blocks as the terminal UI draws them: what an answer or a report consists of, whatever model it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content

from zoo.answers import Prediction
from zoo.blocks import (
    Bar,
    Bars,
    Block,
    Boxes,
    Curve,
    Mask,
    Matrix,
    Paragraph,
    Picture,
    PictureBlock,
    Sound,
    Spans,
    Table,
    Vector,
)
from zoo.rendering.colours import hex_colour, ink_on, label_colour
from zoo.rendering.curves import beside
from zoo.rendering.legend import legend, more_boxes
from zoo.rendering.sounds import NOT_AT_HAND
from zoo.rendering.spans import MarkedPart, more_spans, parts_of, span_list
from zoo.rendering.text import LABEL_WIDTH, cell_texts, displayed_labels, matrix_lines, vector_range
from zoo.sanitize import one_line
from zoo.text_table import render_table, shortened

SHOWN_NUMBERS = 256
SWATCH = "■ "
WHAT = 2
"""Columns of a list that say what something is, and how surely; the others say where."""
CURVE_LINES = 10
LEVELS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"
TONES = {"plain": "", "strong": "bold", "error": "$text-error"}


def draw_answer(answer: Prediction, width: int) -> Content:
    """One answer, under a remark where not all of the input was read.

    Args:
        answer: what the model said.
        width: columns of the terminal there are.
    """
    content = draw(answer.blocks(), width)
    return Content.assemble((answer.remark, "$text-warning"), "\n\n", content) if answer.remark else content


def draw(blocks: Iterable[Block], width: int) -> Content:
    """Blocks, one below the other."""
    return Content("\n\n").join(_block_content(block, width) for block in blocks)


def _block_content(block: Block, width: int) -> Content:
    match block:
        case Paragraph():
            return Content.assemble((one_line(block.text), TONES[block.tone]))
        case Bars():
            return _bars(block.bars, width)
        case Table():
            return Content("\n".join(_table_lines(block)))
        case Curve():
            return Content("\n".join(beside([block], width, CURVE_LINES)))
        case Matrix():
            return Content("\n".join(matrix_lines(block, width)))
        case Vector():
            return _skyline(block.numbers, width)
        case Picture() | Boxes() | Mask():
            return draw_legend(block, width)
        case Sound():
            return Content(one_line(block.recording or NOT_AT_HAND))
        case Spans():
            return _marked(block, width)


def draw_legend(block: PictureBlock, width: int) -> Content:
    """What stands beside a picture: the widget of pictures draws the picture itself."""
    return _labelled_list(legend(block), more_boxes(block), width)


def _labelled_list(listed: Table | Paragraph, more: str, width: int) -> Content:
    """Rows that begin with a label, each behind the colour of it."""
    if isinstance(listed, Paragraph):
        return _block_content(listed, width)
    head, *lines = _table_lines(listed)
    if max(map(len, (head, *lines))) + len(SWATCH) > width:  # where things are is to be seen on the picture
        rows_left = tuple(row[:WHAT] for row in listed.rows)
        head, *lines = _table_lines(Table(headers=listed.headers[:WHAT], rows=rows_left))
    swatches = [(SWATCH, hex_colour(label_colour(str(row[0])))) for row in listed.rows]
    rows = [part for swatch, line in zip(swatches, lines, strict=True) for part in ("\n", swatch, line)]
    return Content.assemble(f"  {head}", *rows, f"\n{more}" if more else "")


def _marked(block: Spans, width: int) -> Content:
    """The text, what is marked in it on the colours of the labels, and the list of it."""
    text = Content.assemble(*((part.with_label, _part_style(part)) for part in parts_of(block)))
    listed = span_list(block)
    return Content.assemble(text, "\n\n", _labelled_list(listed, more_spans(block), width)) if listed else text


def _part_style(part: MarkedPart) -> str:
    if not part.label:
        return ""
    colour = label_colour(part.label)
    return f"{hex_colour(ink_on(colour))} on {hex_colour(colour)}"


def _bars(bars: Sequence[Bar], width: int) -> Content:
    """Labels with bars, the largest first."""
    names = displayed_labels(bar.label for bar in bars)
    name_width = min(max((len(name) for name in names), default=0), max(8, width // 3))
    room = max(4, width - name_width - 10)
    lines: list[Content | tuple[str, str] | str] = []
    for place, (name, entry) in enumerate(zip(names, bars, strict=True)):
        tone = "bold $text-success" if place == 0 else "$text-muted"
        lines += [
            (f"{name[:name_width]:<{name_width}} ", tone),
            (f"{bar(entry.share, room):<{room}}", "$success" if place == 0 else "$primary"),
            (f" {entry.share:6.1%}\n", tone),
        ]
    return Content.assemble(*lines)


def bar(share: float, width: int) -> str:
    """A bar, to an eighth of a character."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _table_lines(table: Table) -> list[str]:
    rows = [(shortened(name, LABEL_WIDTH), *cells) for name, *cells in cell_texts(table)]
    return render_table(rows, table.headers)


def _skyline(numbers: Sequence[float], width: int) -> Content:
    """Each column one number, from the smallest to the largest."""
    visible = numbers[: max(1, min(SHOWN_NUMBERS, width))]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    span = (high - low) or 1.0
    line = "".join(LEVELS[min(7, int((number - low) / span * 8))] for number in visible)
    return Content.assemble((f"{vector_range(numbers)}\n\n", "$text-muted"), (line, "$text-accent"))
