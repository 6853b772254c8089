"""What an inspection of a data set finds, as data; every view renders these."""

from __future__ import annotations

import msgspec

from zoo.data.example import Columns, RejectedRow
from zoo.data.lines import InvalidByte
from zoo.kinds.facts import (
    BoxFacts,
    CompletionFacts,
    Finding,
    ImageFacts,
    LabelSetFacts,
    Lengths,
    Marks,
    MaskFacts,
    NumberFacts,
    RecordingFacts,
    SpanFacts,
    TranscriptFacts,
)
from zoo.kinds.spelling import SpellingVariants


class LabelCount(msgspec.Struct, frozen=True):
    """How often a label is found."""

    label: str
    rows: int
    eval_rows: int = 0


class RowPair(msgspec.Struct, frozen=True):
    """Two rows with the same input: texts white space aside, files byte by byte."""

    row: int
    other_row: int
    """Later in the same file, or in the evaluation file."""
    names: tuple[str, ...] = ()
    """Of the two files, where the rows name files."""


class Repeats(msgspec.Struct, frozen=True):
    """Rows that repeat an input met before."""

    rows: int = 0
    first: tuple[RowPair, ...] = ()
    """The first few."""


class Encoding(msgspec.Struct, frozen=True, kw_only=True):
    """Trouble with the characters of a file."""

    first_invalid: InvalidByte | None = None
    """The first byte that is not UTF-8."""
    invalid_lines: int = 0
    """Lines with such bytes."""
    replacement_characters: Marks = Marks()
    """U+FFFD: an earlier conversion has already lost what stood there."""
    mojibake: Marks = Marks()
    """UTF-8 that was read as Windows-1252 and written again: an accented letter has become two characters."""
    control_characters: Marks = Marks()
    """Other than tab and line end."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted in one file or folder."""

    path: str
    unit: str = "row"
    """What is counted: the files of a folder have names, but no rows that a person could look at."""
    rows: int
    """All data rows, usable or not."""
    columns: tuple[str, ...]
    """As found."""
    mapping: Columns
    """As used."""
    empty_rows: int = 0
    """Rows without input."""
    unlabelled_rows: int = 0
    """Rows with input but without label, where the file has a label column."""
    rejected_rows: int = 0
    """Rows that cannot be used, empty and unlabelled ones included."""
    rejected: tuple[RejectedRow, ...] = ()
    """The first few of them."""
    duplicates: Repeats = Repeats()
    conflicts: Repeats = Repeats()
    """Those of the duplicates that carry another label than the first row with that input."""
    encoding: Encoding = Encoding()
    group_column: str = ""
    """The column that says which rows belong together, such as those of one speaker; empty where there is none."""
    groups: dict[str, int] = {}
    """Usable rows of each, most frequent first."""
    lengths: Lengths | None = None
    """None where there is no usable text."""
    images: ImageFacts | None = None
    """None where there is no usable image."""
    recordings: RecordingFacts | None = None
    """None where there is no usable recording."""
    numbers: NumberFacts | None = None
    """None where targets are no numbers."""
    label_sets: LabelSetFacts | None = None
    """None where targets are no sets of labels."""
    boxes: BoxFacts | None = None
    """None where targets are no boxes."""
    masks: MaskFacts | None = None
    """None where targets are no masks."""
    spans: SpanFacts | None = None
    """None where targets are no spans."""
    completions: CompletionFacts | None = None
    """None where targets are no completions."""
    transcripts: TranscriptFacts | None = None
    """None where targets are no transcripts."""
    faults: int = 0
    """Parts of targets that are left out or mended, such as a box without area."""
    fault_sorts: dict[str, int] = {}
    """How many there are of each sort, most frequent first; empty where they are counted as one."""
    first_fault: str = ""
    """The first of them, with its row."""
    empty_classes: tuple[str, ...] = ()
    """Class folders without any."""
    repeated_folders: tuple[str, ...] = ()
    """Names of the folders that every class folder holds: perhaps they are the classes."""
    reading_note: str = ""
    """How the cells of the targets are read, where that is not plain."""

    @property
    def is_numbered(self) -> bool:
        """Whether a person can look its rows up by their numbers; files of a folder have names instead."""
        return self.unit == "row"


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A data set, looked at before anything is trained on it."""

    task: str
    train: Part
    eval: Part | None = None
    labels: tuple[LabelCount, ...] = ()
    """Most frequent first."""
    variants: tuple[SpellingVariants, ...] = ()
    """Labels that look the same, in both parts together."""
    merged: bool = False
    """Whether these were counted as one."""
    overlap: Repeats = Repeats()
    """Rows of the evaluation file whose input is in the training file too."""
    findings: tuple[Finding, ...] = ()
    """Errors first, then warnings."""

    @property
    def usable(self) -> bool:
        """Whether nothing found keeps the data from being used."""
        return all(finding.level != "error" for finding in self.findings)
