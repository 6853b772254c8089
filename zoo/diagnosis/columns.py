"""What the columns of a table look like, from some hundred of its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise
from typing import Any, NamedTuple

from zoo.data.rows import Row
from zoo.data.table import Table

SAMPLED_ROWS = 500
"""Rows whose cells are looked at."""
FEWEST_COUNTED = 30
"""Cells from which on it is no chance that each is one more than that before it."""
_WORD = re.compile(r"\w+")
_SEPARATOR = re.compile(r"[;|,]")


class Column(NamedTuple):
    """What a column of the data looks like."""

    name: str
    words: float
    """Mean number of words of a cell."""
    different: int
    """Different cells among those looked at."""
    cells: int
    most: tuple[str, int] = ("", 0)
    """The most frequent cell, and how often it is met."""
    counts_rows: bool = False
    """Whether each cell is the number before it and one more, so that it numbers the rows."""


def sampled_rows(path: str) -> list[dict[str, str]]:
    """The cells of the first rows of a table as texts, by column.

    Raises:
        ZooError: it cannot be read.
    """
    table = Table(path)
    return [_texts(row) for row in islice(table.rows(table.columns), SAMPLED_ROWS) if isinstance(row, Row)]


def column_of(name: str, texts: Sequence[str]) -> Column:
    """What a column looks like.

    Args:
        name: of the column.
        texts: its cells.
    """
    words = sum(len(text.split()) for text in texts) / max(1, len(texts))
    counts = Counter(texts)
    most = counts.most_common(1)[0] if counts else ("", 0)
    return Column(name, words, len(counts), len(texts), most, _counts_rows(texts))


def share_that_tells(rows: Sequence[Mapping[str, str]], inputs: Sequence[str], target: str) -> float:
    """Share of the rows whose inputs hold their own label as words, or all labels where a cell has several.

    Args:
        rows: their cells, by column.
        inputs: names of the columns that are read.
        target: that of the labels.
    """
    labelled = [row for row in rows if row.get(target, "").strip()]
    telling = (
        any(all(label in _words(row.get(name, "")) for label in _labels(row[target])) for name in inputs)
        for row in labelled
    )
    return sum(telling) / len(labelled) if labelled else 0.0


def _texts(row: Row) -> dict[str, str]:
    """The cells of a row as texts; without those that hold a file themselves, of which there is nothing to read."""
    return {name: str(cell) for name, cell in row.values.items() if cell is not None and not _is_file(cell)}


def _is_file(cell: Any) -> bool:
    return isinstance(cell, bytes) or (isinstance(cell, dict) and isinstance(cell.get("bytes"), bytes))


def _labels(cell: str) -> list[str]:
    """What a cell says, with a blank at both ends; of several labels each."""
    return [words for label in _SEPARATOR.split(cell) if (words := _words(label)).strip()] or [_words(cell)]


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.lower()))} "


def _counts_rows(texts: Sequence[str]) -> bool:
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return False
    return len(numbers) >= FEWEST_COUNTED and all(after - before == 1 for before, after in pairwise(numbers))
