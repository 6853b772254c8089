"""Blocks as HTML, for notebooks: readable on a light ground and on a dark one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from zoo.answers import Rejected
from zoo.blocks import (
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
from zoo.rendering.legend import legend, more_boxes
from zoo.rendering.pictures import mark, png_of, read_picture
from zoo.rendering.plot import plot_of
from zoo.rendering.sounds import sound_cells
from zoo.rendering.spans import MarkedPart, more_spans, parts_of, span_list
from zoo.rendering.text import LEGEND, cell_texts, confusion_lines, displayed_labels, vector_range
from zoo.sanitize import one_line

INK = "76, 139, 245"
"""Red, green and blue of bars and counts, seen through the ground."""
_LEFT, _RIGHT = "text-align: left", "text-align: right"
_NARROW = "min-width: 12em; padding: 0"
_TONES = {"plain": "", "strong": "font-weight: bold", "error": "color: rgb(215, 58, 73)"}
_LEVELS = "▁▂▃▄▅▆▇█"
_VECTOR_COLUMNS = 64
PICTURE_SIDES = (640, 480, 320, 160)
"""Pixels of the longer side of a picture, the first that makes no more than so many bytes; the last always does."""
PICTURE_BYTES = 400_000
CURVE_SIZE = (300, 140)
"""Pixels of the frame of a curve."""
_LEFT_OF_CURVE = 60
MATRIX_LABELS, SHOWN_CONFUSIONS = 60, 40
"""Labels up to which a matrix is shown whole, and how many confusions are listed of a larger one."""
SHOWN_ROWS = 2_000
"""Of a table."""
SOUND_COLUMNS, SOUND_LINES = 80, 15
"""Of a recording."""


def html(blocks: Sequence[Block]) -> str:
    """The blocks one below the other; whatever they hold is shown as text."""
    return "<div>" + "".join(_heading(block) + _block_html(block) for block in blocks) + "</div>"


def _heading(block: Block) -> str:
    return _element("h4", _safe(block.title)) if block.title and not isinstance(block, Curve) else ""


def _block_html(block: Block) -> str:
    match block:
        case Paragraph():
            return _element("p", _safe(block.text), _TONES[block.tone])
        case Bars():
            return _bars(block)
        case Table():
            return _table(block)
        case Curve():
            return _curve(block)
        case Matrix():
            return _matrix(block)
        case Vector():
            return _element("p", _safe(vector_range(block.numbers))) + _element("p", _skyline(block.numbers))
        case Picture() | Boxes() | Mask():
            return _picture(block)
        case Sound():
            return _sound(block)
        case Spans():
            return _spans(block)


def _bars(block: Bars) -> str:
    rows = []
    for name, bar in zip(displayed_labels(bar.label for bar in block.bars), block.bars, strict=True):
        width = max(0.0, min(1.0, bar.share)) * 100
        filled = _element("div", "&nbsp;", f"width: {width:.1f}%; background: rgba({INK}, 0.6)")
        rows.append(_row([(_safe(name), _LEFT), (filled, _NARROW), (f"{bar.share:.1%}", _RIGHT)]))
    return _element("table", "".join(rows))


def _table(table: Table, swatches: bool = False) -> str:
    head = _row([(_safe(header), _LEFT) for header in table.headers], "th")
    rows, more = [], len(table.rows) - SHOWN_ROWS
    for texts, row in list(zip(cell_texts(table), table.rows, strict=True))[:SHOWN_ROWS]:
        cells = [
            (_safe(text), _LEFT if isinstance(cell, str) else _RIGHT) for text, cell in zip(texts, row, strict=True)
        ]
        if swatches:
            cells[0] = (_swatch(str(row[0])) + cells[0][0], _LEFT)
        rows.append(_row(cells))
    return _element("table", head + "".join(rows)) + (_element("p", f"and {more:,} more") if more > 0 else "")


def _swatch(label: str) -> str:
    return _element("span", "■ ", f"color: {hex_colour(label_colour(label))}")


def _curve(block: Curve) -> str:
    """The line in a frame, between its range; its title stands in the frame, so that curves stand side by side."""
    if not block.points:
        return _element("p", f"{_safe(block.title)}: nothing yet")
    figures = [y for _, y in block.points]
    words = f"{block.points[0][0]:,.0f} to {block.points[-1][0]:,.0f}"
    caption = (
        _element("b", f"{_safe(block.title)} {figures[-1]:.4g}")
        + f"<br/>{min(figures):.4g} to {max(figures):.4g}, {words}"
    )
    return _element(
        "figure", curve_svg(block) + _element("figcaption", caption), "display: inline-block; margin: 0 1em 1em 0"
    )


def curve_svg(curve: Curve) -> str:
    """The line in a frame, with figures beside its axes, in the colour of the text around it."""
    width, height = CURVE_SIZE
    plot = plot_of(curve, width, height)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in plot.line)
    x, y = plot.line[-1]
    parts = [
        f'<rect width="{width}" height="{height}" fill="none" stroke="currentColor" stroke-opacity="0.3"></rect>',
        *(
            f'<text x="{tick.place:.1f}" y="{height + 15}" text-anchor="middle">{tick.text}</text>'
            for tick in plot.x_ticks
        ),
        *(f'<text x="-6" y="{tick.place + 4:.1f}" text-anchor="end">{tick.text}</text>' for tick in plot.y_ticks),
        *(
            f'<line x1="0" x2="{width}" y1="{tick.place:.1f}" y2="{tick.place:.1f}" stroke="currentColor" '
            'stroke-opacity="0.15"></line>'
            for tick in plot.y_ticks
        ),
        f'<polyline points="{line}" fill="none" stroke="rgb({INK})" stroke-width="1.5"></polyline>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="rgb({INK})"></circle>',
    ]
    box = f"{-_LEFT_OF_CURVE} -8 {width + _LEFT_OF_CURVE + 16} {height + 28}"
    size = f'width="{width + _LEFT_OF_CURVE + 16}" height="{height + 28}" viewBox="{box}"'
    return f'<svg {size} font-size="11" fill="currentColor">{"".join(parts)}</svg>'


def _picture(block: PictureBlock) -> str:
    """The picture as a PNG within the page, and its legend."""
    listed, more = legend(block), more_boxes(block)
    texts = _table(listed, swatches=True) if isinstance(listed, Table) else _block_html(listed)
    return _image(block) + texts + (_element("p", more) if more else "")


def _image(block: PictureBlock) -> str:
    image = read_picture(block)
    if isinstance(image, Rejected):
        return _element("p", _safe(f"no picture: {image.reason}"))
    for side in PICTURE_SIDES:
        scale = min(1.0, side / max(image.size))
        drawn = mark(image, block, (max(1, round(image.width * scale)), max(1, round(image.height * scale))))
        if isinstance(drawn, Rejected):
            return ""  # the legend says why
        png = png_of(drawn)
        if len(png) <= PICTURE_BYTES:
            break
    return f'<img alt="{_safe(block.image)}" src="data:image/png;base64,{base64.b64encode(png).decode()}"/>'


def _sound(block: Sound) -> str:
    """The recording in characters, which need no more than a fixed width."""
    cells = sound_cells(block, SOUND_COLUMNS, SOUND_LINES, colours=False)
    if isinstance(cells, Rejected):
        return _element("p", _safe(f"no picture: {cells.reason}"))
    text = "\n".join("".join(cell.text for cell in line) for line in cells)
    return _element("pre", text, "line-height: 1") + _element("p", _safe(block.recording))


def _spans(block: Spans) -> str:
    """The text with its marks, and the list of them."""
    parts = "".join(_mark(part) if part.label else escape(part.text) for part in parts_of(block))
    listed, more = span_list(block), more_spans(block)
    texts = _table(listed, swatches=True) if isinstance(listed, Table) else _block_html(listed) if listed else ""
    return _element("p", parts) + texts + (_element("p", more) if more else "")


def _mark(part: MarkedPart) -> str:
    colour = label_colour(part.label)
    style = f"background: {hex_colour(colour)}; color: {hex_colour(ink_on(colour))}; padding: 0 0.2em"
    return _element("mark", escape(part.with_label), style)


def _matrix(matrix: Matrix) -> str:
    if len(matrix.labels) > MATRIX_LABELS:
        heading, *lines = confusion_lines(matrix, SHOWN_CONFUSIONS)
        return _element("p", _safe(heading)) + _element("pre", "\n".join(_safe(line) for line in lines))
    names = [_safe(name) for name in displayed_labels(matrix.labels)]
    rows = [_row([("", _LEFT), *((name, _RIGHT) for name in names)], "th")]
    for name, counts in zip(names, matrix.counts, strict=True):
        total = sum(counts) or 1
        shades = [f"{_RIGHT}; background: rgba({INK}, {count / total:.2f})" for count in counts]
        rows.append(
            _row([(name, _LEFT), *((f"{count:,}", shade) for count, shade in zip(counts, shades, strict=True))])
        )
    return _element("p", LEGEND) + _element("table", "".join(rows))


def _skyline(numbers: Sequence[float]) -> str:
    """The first numbers as columns, the smallest of all lowest."""
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    span = (high - low) or 1.0
    return "".join(_LEVELS[min(7, int((number - low) / span * 8))] for number in numbers[:_VECTOR_COLUMNS])


def _row(cells: Sequence[tuple[str, str]], tag: str = "td") -> str:
    return _element("tr", "".join(_element(tag, content, style) for content, style in cells))


def _element(tag: str, content: str, style: str = "") -> str:
    return f'<{tag} style="{style}">{content}</{tag}>' if style else f"<{tag}>{content}</{tag}>"


def _safe(text: str) -> str:
    return escape(one_line(text))
