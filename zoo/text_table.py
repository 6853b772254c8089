"""Tables of plain text, aligned in a terminal whatever script their cells are in."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from zoo.sanitize import one_line


def render_table(rows: Sequence[Sequence[str]], headers: Sequence[str], *, width: int | None = None) -> list[str]:
    """The lines of a table; columns of numbers are aligned right.

    Args:
        rows: cells, as text.
        headers: one per column.
        width: columns of the terminal; None cuts nothing.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(headers, *cells, strict=True)]
    right = [
        bool(cells) and all(not row[i] or row[i][0] in "0123456789-." for row in cells) and any(row[i] for row in cells)
        for i in range(len(headers))
    ]
    lines = []
    for row in [list(headers), *cells]:
        columns = [padded(cell, w, right=r) for cell, w, r in zip(row, widths, right, strict=True)]
        text = "  ".join(columns).rstrip()
        lines.append(text if width is None else shortened(text, width))
    return lines


def cell_width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters two, marks on another character none."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def padded(text: str, width: int, *, right: bool = False) -> str:
    """A text with blanks up to that many columns, after it or before it."""
    blanks = " " * (width - cell_width(text))
    return blanks + text if right else text + blanks


def shortened(text: str, width: int) -> str:
    """A text of at most that many columns: one that is longer ends in `…`."""
    if cell_width(text) <= width:
        return text
    prefix, columns = "", 1
    for character in text:
        columns += _character_width(character)
        if columns > width:
            break
        prefix += character
    return prefix.rstrip() + "…"


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
