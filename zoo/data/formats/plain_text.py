"""Rows of plain text: one sentence per line, in a column called `text`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.data.lines import EncodingLog, open_lines
from zoo.data.rows import Malformed, Row

COLUMN = "text"


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """The one column there is."""
    return (COLUMN,)


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every line in order, numbered as an editor does; blank lines are no rows."""
    with open_lines(path, log) as lines:
        number = 1
        lines.start_row(number)
        for line in lines:
            if line.strip():
                yield Row(number, {name: line.rstrip("\r\n") for name in columns})
            number += 1
            lines.start_row(number)
