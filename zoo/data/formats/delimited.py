"""Rows of delimited files (CSV and TSV); a broken row never takes its neighbours with it."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.data.formats.dialect import dialect_of
from zoo.data.lines import EncodingLog, Lines, open_lines
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid
from zoo.plurals import counted
from zoo.row_range import BEGINNING, RowMark

MAX_FIELD_CHARS = 4 * 2**20
_QUOTED_AFTER_BLANK = re.compile(r' +"').match
_REASONS = {
    "unexpected end of data": "a quote is opened and never closed",
    "field larger than": f"a field is longer than {MAX_FIELD_CHARS:,} characters; is a quote left open?",
    "expected after": "text follows a closing quote; quotes inside a field must be doubled",
}


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """The names in the header row."""
    with open_lines(path, log) as lines:
        return _Reader(path, lines).header


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every data row in order; blank lines are none."""
    return read_rows_from(BEGINNING, path, columns, log)


def read_rows_from(
    mark: RowMark, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
) -> Iterator[Row | Malformed]:
    """The same from a row on."""
    with open_lines(path, log) as lines:
        reader = _Reader(path, lines)
        lines.go_to(mark)
        positions = [(name, reader.header.index(name)) for name in columns]
        for number, fields in enumerate(reader.records(mark.number), start=mark.number):
            if isinstance(fields, str):
                yield Malformed(number, fields)
            elif len(fields) != len(reader.header):
                yield Malformed(
                    number, f"has {counted(len(fields), 'field')} where the header has {len(reader.header)}"
                )
            else:
                yield Row(number, {name: fields[position] for name, position in positions})


class _Reader:
    """A csv reader that goes on after the first line of a row it cannot parse."""

    def __init__(self, path: Path, lines: Lines) -> None:
        # The limit belongs to the whole process; it is only ever raised.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARS))
        self._path = path
        self._lines = lines
        self._dialect = dialect_of(path)
        self._tabs = self._dialect.delimiter == "\t"
        self.header = self._read_header()

    def records(self, number: int) -> Iterator[list[str] | str]:
        """The fields of each row, or what is wrong with it; the first of them has that number."""
        exact, lenient = self._records(), self._records(skip_blanks=True)
        while True:
            self._lines.start_row(number)
            try:
                fields: list[str] | str = next(exact)
            except StopIteration:
                return
            except csv.Error as error:
                fields = self._reread(lenient) or self._recover(str(error))
            else:
                if len(fields) != len(self.header) or any(map(_QUOTED_AFTER_BLANK, fields)):
                    fields = self._reread(lenient) or fields
            if fields:
                number += 1
                yield fields

    def _records(self, *, skip_blanks: bool = False) -> Iterator[list[str]]:
        """The fields of each row; blanks before a field are its own, unless they are to be skipped."""
        delimiter = self._dialect.delimiter
        return csv.reader(self._lines, delimiter=delimiter, strict=True, skipinitialspace=skip_blanks)

    def _reread(self, lenient: Iterator[list[str]]) -> list[str] | None:
        """The fields of a row whose quotes stand after blanks (`1, "a, b"`); None where it is no row that way."""
        row_lines = self._lines.row_lines
        if self._tabs or not any(' "' in line for line in row_lines):
            return None
        self._lines.unread()
        with contextlib.suppress(csv.Error):
            fields = next(lenient)
            if len(fields) == len(self.header):
                return fields
        self._lines.unread()
        for _ in row_lines:
            next(self._lines)
        return None

    def _read_header(self) -> tuple[str, ...]:
        for _ in range(self._dialect.header_line):
            next(self._lines)
        try:
            fields = next(filter(None, self._records(skip_blanks=not self._tabs)), [])
        except csv.Error as error:
            reason = next((reason for pattern, reason in _REASONS.items() if pattern in str(error)), str(error))
            raise DatasetInvalid(f"{self._path}: its header cannot be read: {reason}", "is it a table?") from error
        return tuple(name.strip() for name in fields)

    def _recover(self, error: str) -> list[str] | str:
        """Give up one line only: an open quote would otherwise swallow every row up to the next quote."""
        line = self._lines.take_back().rstrip("\r\n")
        literal = line.split("\t")
        # Many tab-separated files know no quoting: a quote there is a character like any other.
        if self._tabs and len(literal) == len(self.header):
            return literal
        return next((reason for pattern, reason in _REASONS.items() if pattern in error), error)
