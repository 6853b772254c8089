"""How a delimited file is written: what separates its fields, and where its header is."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path, PurePath
from typing import NamedTuple

from zoo.data.compression import inner_name
from zoo.data.lines import EncodingLog, Lines, open_lines

_TAB_EXTENSIONS = (".tsv", ".tab")
DELIMITERS = ",;\t|"
"""What may stand between the fields of a row."""
_SAMPLE_LINES = 64
_SAMPLE_CHARS = 2**20
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""What Excel writes, and obeys, above the header."""


class Dialect(NamedTuple):
    """What a reader has to know."""

    delimiter: str
    header_line: int
    """How many lines stand before the header."""


def dialect_of(path: Path) -> Dialect:
    """Find out from the first lines; a tab is preferred in a .tsv file."""
    with open_lines(path, EncodingLog()) as lines:
        sample = _sample(lines)
    blank = next((number for number, line in enumerate(sample) if line.strip()), len(sample))
    if blank < len(sample) and (separator := _SEPARATOR_LINE.fullmatch(sample[blank])):
        return Dialect(separator[1], blank + 1)
    preferred = "\t" if PurePath(inner_name(path)).suffix.lower() in _TAB_EXTENSIONS else ""
    return Dialect(_delimiter(sample[blank:], preferred), blank)


def _sample(lines: Lines) -> list[str]:
    sample, chars = [], 0
    for line in islice(lines, _SAMPLE_LINES):
        sample.append(line)
        chars += len(line)
        if chars > _SAMPLE_CHARS:
            break
    return sample


def _delimiter(sample: list[str], preferred: str) -> str:
    """The one that divides the header, and the rows after it most often in the same way."""
    fits = {mark: fit for mark in DELIMITERS if (fit := _fit(sample, mark)) is not None}
    if not fits or preferred in fits:
        return preferred or ","
    return max(fits, key=lambda mark: fits[mark])


def _fit(sample: Iterable[str], delimiter: str) -> tuple[float, int] | None:
    """The share of rows with as many fields as the header, and how many that is; None where the header has one only."""
    records = csv.reader(sample, delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t")
    fields: list[int] = []
    with contextlib.suppress(csv.Error):  # in the header: it is none; in a row: those before it have to do
        for record in records:
            if record:
                fields.append(len(record))
    if not fields or fields[0] < 2:
        return None
    return fields.count(fields[0]) / len(fields), fields[0]
