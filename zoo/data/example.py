"""What models learn from: examples, the rows they came from, and the rows that could not be used."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from zoo.kinds.spelling import SpellingVariants

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Example(msgspec.Struct, frozen=True):
    """One row of a data set."""

    input: str
    """The text itself, or the path of a file, as the task says."""
    label: str | None = None
    row: int = 0
    """1-based row of the file, counting data rows only (a header is not one), or number of the file in its folder."""
    digest: str = ""
    """Sha256 of the file that the input names; empty where the input is the data itself."""


class RejectedRow(msgspec.Struct, frozen=True):
    """A row that cannot be used; the line of `quarantine.jsonl`."""

    file: str
    row: int
    reason: str


class Columns(msgspec.Struct, frozen=True):
    """Which columns of the file are used."""

    input: str
    label: str = ""
    """Empty where the task or the file has none."""


UNKNOWN = Columns("")


class Dataset(msgspec.Struct, frozen=True):
    """The usable rows of one file or folder."""

    path: str
    examples: tuple[Example, ...]
    columns: Columns
    rejected: tuple[RejectedRow, ...] = ()
    sha256: str = ""
    """Digest of the file's bytes, and of the files it names."""
    class_names: tuple[str, ...] = ()
    """What the file calls the classes 0, 1, ... of its label column, where it names them."""
    merged: tuple[SpellingVariants, ...] = ()
    """Labels that look the same and were merged."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels found, sorted as numbers where all are numbers, else as text."""
        found = {example.label for example in self.examples if example.label is not None}
        if all(_NUMBER.fullmatch(label) for label in found):
            return tuple(sorted(found, key=lambda label: (Decimal(label), label)))
        return tuple(sorted(found))
