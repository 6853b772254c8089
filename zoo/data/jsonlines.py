"""Rows of JSON lines: one object per line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.lines import EncodingLog, open_lines
from zoo.data.rows import Malformed, Row

ROWS_READ_FOR_COLUMNS = 100


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """The keys of the first rows, in the order they are met."""
    first = islice(_objects(path, log), ROWS_READ_FOR_COLUMNS)
    return tuple(dict.fromkeys(key for row in first if isinstance(row, Row) for key in row.values))


def read_rows(path: Path, wanted: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every line in order, numbered as an editor does; blank lines are no rows. A key that is missing is None."""
    for row in _objects(path, log):
        if isinstance(row, Malformed):
            yield row
        else:
            yield Row(row.number, {name: row.values.get(name) for name in wanted})


def _objects(path: Path, log: EncodingLog | None) -> Iterator[Row | Malformed]:
    decoder = msgspec.json.Decoder(Any)
    with open_lines(path, log) as lines:
        number = 1
        lines.start_row(number)
        for line in lines:
            if line.strip():
                yield _decode(decoder, number, line)
            number += 1
            lines.start_row(number)


def _decode(decoder: msgspec.json.Decoder[Any], number: int, line: str) -> Row | Malformed:
    try:
        value = decoder.decode(line.encode(errors="replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        return Malformed(number, f"is not JSON: {error}")
    if not isinstance(value, dict):
        return Malformed(number, "is JSON, but not an object such as {...}")
    return Row(number, value)
