"""Blocks as Markdown, for the README of a result."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.blocks import Bars, Block, Boxes, Curve, Mask, Matrix, Paragraph, Picture, Sound, Spans, Table, Vector
from zoo.rendering.curves import beside
from zoo.rendering.legend import legend, more_boxes
from zoo.rendering.sounds import NOT_AT_HAND
from zoo.rendering.spans import marked_text, more_spans, span_list
from zoo.rendering.text import LEGEND, cell_texts, confusion_lines, displayed_labels, vector_range
from zoo.sanitize import one_line

MATRIX_LABELS = 30
"""Labels up to which a matrix is shown whole."""
CURVE_SIZE = (72, 12)
"""Columns and lines of a curve."""
SHOWN_ROWS = 100
SHOWN_CONFUSIONS = 20


def markdown(blocks: Sequence[Block]) -> str:
    """The blocks one below the other, their titles as headings of the third level."""
    parts = []
    for block in blocks:
        parts += [f"### {one_line(block.title)}"] if block.title else []
        parts.append(_block_markdown(block))
    return "\n\n".join(parts)


def _block_markdown(block: Block) -> str:
    match block:
        case Paragraph():
            return f"**{one_line(block.text)}**" if block.tone == "strong" else one_line(block.text)
        case Bars():
            names = displayed_labels(bar.label for bar in block.bars)
            return markdown_table(
                ("label", ""), [(name, f"{bar.share:.1%}") for name, bar in zip(names, block.bars, strict=True)]
            )
        case Table():
            return _table(block)
        case Curve():
            return "```\n" + "\n".join(beside([block], *CURVE_SIZE)) + "\n```"
        case Matrix():
            return _matrix(block)
        case Vector():
            return vector_range(block.numbers)
        case Picture() | Boxes() | Mask():
            more = more_boxes(block)
            return _block_markdown(legend(block)) + (f"\n\n{more}" if more else "")
        case Sound():
            return one_line(block.recording or NOT_AT_HAND)
        case Spans():
            listed = span_list(block)
            texts = (marked_text(block, "**", "**", " "), _block_markdown(listed) if listed else "", more_spans(block))
            return "\n\n".join(filter(None, texts))


def _table(table: Table) -> str:
    rows = cell_texts(table)
    more = len(rows) - SHOWN_ROWS
    return markdown_table(table.headers, rows[:SHOWN_ROWS]) + (f"\n\nand {more:,} more" if more > 0 else "")


def _matrix(matrix: Matrix) -> str:
    if len(matrix.labels) > MATRIX_LABELS:
        heading, *lines = confusion_lines(matrix, SHOWN_CONFUSIONS)
        return "\n".join([f"{heading.capitalize()}:", "", *(f"- {line.strip()}" for line in lines)])
    names = displayed_labels(matrix.labels)
    rows = [(name, *(f"{count:,}" for count in row)) for name, row in zip(names, matrix.counts, strict=True)]
    return f"{LEGEND.capitalize()}.\n\n{markdown_table(('', *names), rows)}"


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; text from outside is made safe for a terminal, and stays within its cell."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")
