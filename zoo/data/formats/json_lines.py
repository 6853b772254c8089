"""Rows of JSON lines: one object per line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.lines import EncodingLog, open_lines
from zoo.data.rows import Malformed, Row
from zoo.encoding import is_encodable, not_utf8
from zoo.row_range import BEGINNING, RowMark

ROWS_READ_FOR_COLUMNS = 100
_DECODER = msgspec.json.Decoder(Any)


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """The keys of the first rows, in the order they are met."""
    return columns_of(_objects(path, log))


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every line in order, numbered as an editor does; blank lines are no rows. A key that is missing is None."""
    return read_rows_from(BEGINNING, path, columns, log)


def read_rows_from(
    mark: RowMark, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
) -> Iterator[Row | Malformed]:
    """The same from a row on."""
    return selected(_objects(path, log, mark), columns)


def columns_of(objects: Iterable[Row | Malformed]) -> tuple[str, ...]:
    """The keys of the first objects, in the order they are met."""
    first = islice(objects, ROWS_READ_FOR_COLUMNS)
    return tuple(dict.fromkeys(key for row in first if isinstance(row, Row) for key in row.values))


def selected(objects: Iterable[Row | Malformed], columns: tuple[str, ...]) -> Iterator[Row | Malformed]:
    """The same with the values of these keys only."""
    for row in objects:
        if isinstance(row, Malformed):
            yield row
        else:
            yield Row(row.number, {name: row.values.get(name) for name in columns})


def decode_row(number: int, text: bytes | msgspec.Raw) -> Row | Malformed:
    """The object that a text is."""
    try:
        value = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return Malformed(number, f"is not JSON: {error}")
    if not isinstance(value, dict):
        return Malformed(number, "is JSON, but not an object such as {...}")
    return Row(number, value)


def _objects(path: Path, log: EncodingLog | None, mark: RowMark = BEGINNING) -> Iterator[Row | Malformed]:
    with open_lines(path, log) as lines:
        lines.go_to(mark)
        number = mark.number
        lines.start_row(number)
        for line in lines:
            if line.strip() and is_encodable(line):
                yield decode_row(number, line.encode())
            elif line.strip():
                yield Malformed(number, not_utf8(line), undecodable=True)
            number += 1
            lines.start_row(number)
