"""The rows of one file divided into parts, each of which is read without those before it where the format allows."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from zoo.data.table import Table
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.plurals import counted
from zoo.row_range import BEGINNING, RowMark, RowRange

MOST_MARKS = 2**16
"""Marks kept of a file, however long it is."""


class _Survey(NamedTuple):
    """How many rows a file has, and where some of them begin."""

    rows: int
    places: list[int]
    """How many rows stand before each mark."""
    marks: list[RowMark]


def divided(path: str | Path, columns: tuple[str, ...], parts: int, block: int) -> tuple[RowRange, ...]:
    """Divide a file into ranges of nearly as many rows.

    The number of rows is what Parquet files state; others are read once.

    Args:
        path: of the file.
        columns: those that are read, which decide what a row is in some formats.
        parts: how many ranges.
        block: each range but the last has a multiple of so many rows.

    Raises:
        DatasetInvalid: it is no file, or cannot be read.
        OptionInvalid: it has too few rows.
    """
    table = Table(path)
    if table.path.is_dir():
        raise DatasetInvalid(f"{path} is a folder, and shards divide the rows of a file", "leave --shards out")
    survey = _surveyed(table, columns, block)
    blocks = -(-survey.rows // block)
    if not blocks:
        raise DatasetInvalid(f"{path} has no rows", "give a file that has some")
    if parts > blocks:
        most = f"use --shards {blocks}, or fewer" if blocks > 1 else "leave --shards out"
        raise OptionInvalid(
            f"{path} has {counted(survey.rows, 'row')}, too few for {parts:,} shards of at least {block} rows",
            most,
        )
    starts = [blocks * part // parts * block for part in range(parts)]
    return tuple(_range(survey, first, end) for first, end in pairwise((*starts, survey.rows)))


def _range(survey: _Survey, first: int, end: int) -> RowRange:
    if not survey.marks:
        return RowRange(first=first, rows=end - first, skipped=first)
    nearest = bisect_right(survey.places, first) - 1
    mark, before = survey.marks[nearest], survey.places[nearest]
    return RowRange(first=first, rows=end - first, offset=mark.offset, number=mark.number, skipped=first - before)


def _surveyed(table: Table, columns: tuple[str, ...], block: int) -> _Survey:
    """Count the rows, and note where those begin that are so many rows apart, or twice as many where they are many."""
    known = table.known_rows()
    if known is not None:
        places = list(range(0, known, block)) if table.has_marks else []
        return _Survey(known, places, [RowMark(number=place + 1) for place in places])
    places, marks, count = [0], [BEGINNING], 0
    for count, row in enumerate(table.rows(columns), start=1):
        if (count - 1) % block == 0 and count > 1 and (mark := table.mark_of(row)):
            places.append(count - 1)
            marks.append(mark)
            if len(marks) > MOST_MARKS:
                places, marks, block = places[::2], marks[::2], 2 * block
    return _Survey(count, places, marks)
