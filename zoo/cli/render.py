"""Blocks as the command line draws them: lines of text."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.blocks import Bars, Block, Matrix, Paragraph, Table, Vector
from zoo.prediction import Prediction
from zoo.progress import bar
from zoo.rendering.text import cell_texts, displayed_labels, matrix_lines
from zoo.sanitize import one_line
from zoo.text_table import render_table

SHOWN = 5
"""Labels shown of an answer that has more."""
SHOWN_NUMBERS = 8
MATRIX_WIDTH = 100
"""Columns that a matrix may take where stdout is no terminal."""


def render_answer(source: str, answer: Prediction) -> list[str]:
    """What a person wants to see of one answer, the input included."""
    return list(render(answer.blocks(source)))


def render(blocks: Iterable[Block], width: int | None = None) -> Iterable[str]:
    """The lines of blocks, one below the other; those of an answer are indented below its input.

    Args:
        blocks: of an answer or of a report.
        width: columns of the terminal; None where there is none.
    """
    for block in blocks:
        match block:
            case Paragraph():
                yield one_line(block.text) if block.tone == "strong" else f"  {one_line(block.text)}"
            case Bars():
                yield from _bars(block)
            case Vector():
                numbers = " ".join(f"{number:+.4f}" for number in block.numbers[:SHOWN_NUMBERS])
                more = " ..." if len(block.numbers) > SHOWN_NUMBERS else ""
                yield f"  {len(block.numbers)} numbers: {numbers}{more} (--json gives all)"
            case Table():
                yield from render_table(cell_texts(block), block.headers, width=width)
            case Matrix():
                yield from matrix_lines(block, width or MATRIX_WIDTH)


def _bars(block: Bars) -> list[str]:
    shown = block.bars[:SHOWN]
    names = displayed_labels(one.label for one in shown)
    width = max(map(len, names), default=0)
    return [f"  {name:<{width}}  {bar(one.share)} {one.share:6.1%}" for name, one in zip(names, shown, strict=True)]
