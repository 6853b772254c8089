"""Rows of plain text: one text a line, in a column called `text`.

Where blank lines stand between texts, there is a column `document`, too: whoever reads that gets all lines between two
blank ones as one row, numbered by the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from zoo.data.compression import open_contents
from zoo.data.encodings import utf8_stream
from zoo.data.lines import EncodingLog, Lines, open_lines
from zoo.data.rows import Malformed, Row
from zoo.row_range import BEGINNING, RowMark

COLUMN, DOCUMENT = "text", "document"
BYTES_READ_FOR_COLUMNS = 2**16
_BLANK_LINE_BETWEEN = re.compile(rb"[^\s](?:[ \t]*(?:\r\n|\r|\n)){2,}\s*[^\s]")
NOTES = {DOCUMENT: f"a row is what stands between two blank lines (--input {COLUMN}: each line is one)"}
"""What a person should know of the rows where one reads that column."""


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`text`, and `document` where blank lines stand between texts near the beginning of the file."""
    with open_contents(path) as file:
        head = utf8_stream(file).read(BYTES_READ_FOR_COLUMNS)
    return (COLUMN, DOCUMENT) if _BLANK_LINE_BETWEEN.search(head) else (COLUMN,)


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every line in order, numbered as an editor does, or every document; blank lines are no rows."""
    return read_rows_from(BEGINNING, path, columns, log)


def read_rows_from(
    mark: RowMark, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
) -> Iterator[Row | Malformed]:
    """The same from a row on."""
    with open_lines(path, log) as lines:
        lines.go_to(mark)
        numbered = _documents(lines, mark.number) if DOCUMENT in columns else _numbered(lines, mark.number)
        for number, text in numbered:
            if text.strip():
                yield Row(number, dict.fromkeys(columns, text))


def _numbered(lines: Lines, number: int) -> Iterator[tuple[int, str]]:
    lines.start_row(number)
    for line in lines:
        yield number, line.rstrip("\r\n")
        number += 1
        lines.start_row(number)


def _documents(lines: Lines, beginning: int) -> Iterator[tuple[int, str]]:
    """The lines between blank ones, with the number of the first."""
    first, parts = 0, list[str]()
    for number, line in _numbered(lines, beginning):
        if line.strip():
            first = first or number
            parts.append(line)
        elif parts:
            yield first, "\n".join(parts)
            first, parts = 0, []
    if parts:
        yield first, "\n".join(parts)
