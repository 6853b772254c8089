"""The physical lines of a text, read in constant memory; a byte that is not UTF-8 is named with its row."""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from zoo.data.compression import open_contents
from zoo.data.encodings import Utf8Stream, utf8_stream, without_marks
from zoo.row_range import RowMark

MAX_LINE_BYTES = 64 * 2**20
_LINE_ENDS = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class InvalidByte(msgspec.Struct, frozen=True):
    """The first byte of a sequence that is not UTF-8."""

    offset: int
    """From the start of the file, 0-based."""
    row: int
    """Row being read; 0 is the header."""
    value: str
    """The byte in hexadecimal, such as `0xE9`."""


class NotUtf8(Exception):
    """The file holds a byte that is not UTF-8."""

    def __init__(self, invalid: InvalidByte) -> None:
        super().__init__(invalid)
        self.invalid = invalid


class LineTooLong(Exception):
    """A line is longer than any row of text can be; the file is probably something else."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class EncodingLog:
    """What is wrong with a file's encoding, noted while it is read on regardless.

    Args:
        tolerant: whether a document that is decoded as a whole is read on, too, with U+FFFD for what cannot be decoded.
    """

    def __init__(self, *, tolerant: bool = True) -> None:
        self.tolerant = tolerant
        self.first: InvalidByte | None = None
        self.lines = 0
        self.text: Lines | None = None
        """The one that is read, or was read last."""


class Lines:
    r"""An iterator over lines, their ends included, that can take back what was read ahead.

    Lines end in \n, \r\n or \r. With a log, undecodable bytes become lone surrogates and are noted there;
    without one the first of them raises `NotUtf8`.
    """

    def __init__(self, file: io.BufferedReader, log: EncodingLog | None = None) -> None:
        self._file = file
        self._stream: Utf8Stream | None = None
        self._log = log
        self._offset = 0
        self._ahead: deque[str] = deque()
        self._row_lines: list[str] = []
        self._row = self._row_offset = 0
        if log is not None:
            log.text = self

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._ahead:
            self._read()
        line = self._ahead.popleft()
        self._row_lines.append(line)
        return line

    def start_row(self, row: int) -> None:
        """Say which row is read next, and forget the lines of the one before."""
        self._row, self._row_offset = row, -1 if self._ahead else self._offset
        self._row_lines.clear()

    @property
    def row_mark(self) -> RowMark | None:
        """Where the current row begins; None where no byte of the file is the first of it alone."""
        is_transcoded = self._stream not in (None, self._file)
        return None if is_transcoded or self._row_offset < 0 else RowMark(self._row_offset, self._row)

    def go_to(self, mark: RowMark) -> None:
        """Go on with the row of a mark of this text."""
        if mark.offset:
            self._file.seek(mark.offset)
            self._stream, self._offset = self._file, mark.offset
            self._ahead.clear()
            self._row_lines.clear()

    @property
    def row_lines(self) -> tuple[str, ...]:
        """Those of the current row that have been read."""
        return tuple(self._row_lines)

    def unread(self) -> None:
        """Let the current row be read again."""
        self._ahead.extendleft(reversed(self._row_lines))
        self._row_lines.clear()

    def take_back(self) -> str:
        """Keep only the first line of the current row; those after it will be read again."""
        first, *rest = self._row_lines
        self._ahead.extendleft(reversed(rest))
        self._row_lines = [first]
        return first

    def _read(self) -> None:
        if self._stream is None:
            self._stream = utf8_stream(self._file)
        raw = self._stream.readline(MAX_LINE_BYTES + 1)
        if not raw:
            raise StopIteration
        if len(raw) > MAX_LINE_BYTES:
            raise LineTooLong(self._offset)
        start, self._offset = self._offset, self._offset + len(raw)
        if start == 0:
            text = without_marks(raw)
            raw, start = text, len(raw) - len(text)
        line = self._decode(raw, start)
        # A lone \r inside the line ends a line too (files of old Macintosh programs).
        self._ahead.extend(_LINE_ENDS.findall(line) if "\r" in line else (line,))

    def _decode(self, raw: bytes, start: int) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            invalid = InvalidByte(start + error.start, self._row, f"0x{raw[error.start]:02X}")
            if self._log is None:
                raise NotUtf8(invalid) from None
            self._log.first = self._log.first or invalid
            self._log.lines += 1
            return raw.decode(errors="surrogateescape")


@contextmanager
def open_lines(path: Path, log: EncodingLog | None = None) -> Iterator[Lines]:
    """Open a file, compressed or not, for reading line by line."""
    with open_contents(path) as file:
        yield Lines(file, log)
