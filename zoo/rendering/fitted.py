"""Tables in as many columns of a terminal as there are: as they are, turned, or a list."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.blocks import Table
from zoo.rendering.text import cell_texts
from zoo.text_table import cell_width, padded, render_table, shortened


def fitted_lines(table: Table, width: int) -> list[str]:
    """The lines of a table: rows side by side with columns exchanged, or each row as a list, where it is too wide.

    Args:
        table: its first column names the rows.
        width: columns of the terminal there are.
    """
    rows = cell_texts(table)
    for lines in (render_table(rows, table.headers), _turned(rows, table.headers)):
        if max(map(cell_width, lines)) <= width:
            return lines
    return [shortened(line, width) for line in _listed(rows, table.headers)]


def _turned(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> list[str]:
    columns = list(zip(headers, *rows, strict=True))
    return render_table(columns[1:], columns[0])


def _listed(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> list[str]:
    """Each row below its name."""
    names = max(map(cell_width, headers[1:]), default=0)
    lines = []
    for name, *cells in rows:
        lines.append(name)
        lines += [f"  {padded(header, names)}  {cell}" for header, cell in zip(headers[1:], cells, strict=True) if cell]
    return lines
