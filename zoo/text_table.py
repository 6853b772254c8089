"""Tables of plain text."""

from __future__ import annotations

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
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    right = [
        bool(cells) and all(not row[i] or row[i][0] in "0123456789-." for row in cells) and any(row[i] for row in cells)
        for i in range(len(headers))
    ]
    lines = []
    for row in [list(headers), *cells]:
        padded = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)]
        text = "  ".join(padded).rstrip()
        lines.append(text if width is None or len(text) <= width else text[: width - 1] + "…")
    return lines
