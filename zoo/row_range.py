"""Rows of a file, one after the other, and where reading them begins: what a request says of a part of its data."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class RowMark(NamedTuple):
    """Where a row begins, so that whoever reads from there on need not read what is before."""

    offset: int = 0
    """Bytes before it, of the data as they are unpacked; 0 where its number says it all."""
    number: int = 1
    """Of the row."""


BEGINNING = RowMark()
"""Of the first row, wherever that begins."""


class RowRange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many rows of a file, one after the other."""

    first: int
    """Rows of the file before them."""
    rows: int
    offset: int = 0
    """Of the mark that reading begins at; see `RowMark`."""
    number: int = 1
    """Likewise."""
    skipped: int = 0
    """Rows between that mark and them."""

    @property
    def mark(self) -> RowMark:
        """Where reading begins."""
        return RowMark(self.offset, self.number)
