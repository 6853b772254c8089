"""What models learn from: examples, the rows they came from, and the rows that could not be used."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from zoo.kinds import LABEL, TargetKind
from zoo.kinds.spelling import SpellingVariants

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Example(msgspec.Struct, frozen=True):
    """One row of a data set."""

    input: Any
    """A value of the task's kind of input: a text, the path of a file, or a dict of several by their roles."""
    target: Any = None
    """A value of the task's kind of target, such as a label; None where the row has none."""
    row: int = 0
    """1-based row of the file, counting data rows only (a header is not one), or number of the file in its folder."""
    digest: str = ""
    """Sha256 of the file that the input names; empty where the input is the data itself."""

    @property
    def label(self) -> Any:
        """The target, as it was called up to version 0.1."""
        return self.target


class RejectedRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that cannot be used; the line of `quarantine.jsonl`."""

    file: str
    """The file that the row stands in, or that it is."""
    row: int
    reason: str
    name: str = ""
    """Of the file that the row is, as the data have it; empty for a row of a table."""

    @property
    def location(self) -> str:
        """The file, and the row where it has several."""
        return self.file if self.name else f"{self.file} row {self.row}"

    @property
    def located_reason(self) -> str:
        """The reason behind the row or the name of the file, for who knows which data it is of."""
        if not self.name:
            return f"row {self.row}: {self.reason}"
        return self.reason if self.reason.startswith(self.name) else f"{self.name}: {self.reason}"


Columns = dict[str, str]
"""Names of columns by their roles, see `Task.roles`; a role without a column is not there."""
UNKNOWN: Columns = {}


class Dataset(msgspec.Struct, frozen=True):
    """The usable rows of one file or folder."""

    path: str
    examples: tuple[Example, ...]
    columns: Columns
    untargeted: tuple[Example, ...] = ()
    """Rows that lack nothing but a target, where these were to be kept."""
    rejected: tuple[RejectedRow, ...] = ()
    faults: tuple[RejectedRow, ...] = ()
    """What is wrong with parts of targets, which are left out or mended; the examples are used."""
    sha256: str = ""
    """Digest of the file's bytes, of the files it names, and of the one that says what its targets mean."""
    class_names: tuple[str, ...] = ()
    """What the file calls the classes 0, 1, ... of its label column, where it names them."""
    merged: tuple[SpellingVariants, ...] = ()
    """Labels that look the same and were merged."""
    target: TargetKind | None = LABEL
    """What the targets of the examples are."""
    base: str = ""
    """The folder that files are named from."""
    has_class_folders: bool = False
    """Whether the folder that a file stands in is its class."""
    unit: str = "row"
    """What there are several of, in a person's words."""
    reading_note: str = ""
    """How it is read, where that is not plain."""
    names_file: str = ""
    """The file beside it that says what numbers in it stand for; empty where there is none."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the targets hold, sorted as numbers where all are numbers, else as text."""
        if self.target is None:
            return ()
        targets = {example.target for example in self.examples if example.target is not None}
        labels = {label for target in targets for label in self.target.labels_of(target)}
        if all(_NUMBER.fullmatch(label) for label in labels):
            return tuple(sorted(labels, key=lambda label: (Decimal(label), label)))
        return tuple(sorted(labels))
