r"""Files of answers: one record a row, in CSV, TSV or JSON lines, from which a killed job can go on.

The columns are `row`, those kept of the data under their own names, `input`, `prediction`, `probability` and
`rejected`; `input` is left out where its own column is among those kept. JSON lines hold the whole answer in
`prediction` and need neither of the last two. Texts are written as they are, line ends and leading blanks included:
CSV and TSV quote them as RFC 4180 says.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast, runtime_checkable

import msgspec

from zoo.answers import Prediction
from zoo.answers.answer import FileFormat, RecordCount
from zoo.encoding import encode_json, escaped
from zoo.errors import OptionInvalid
from zoo.kinds import TargetKind
from zoo.tasks.task import Task

RESERVED = ("row", "input", "prediction", "probability", "rejected")


class AnswerColumns(msgspec.Struct, frozen=True):
    """Which columns a file of answers has."""

    carried: tuple[str, ...] = ()
    """Columns of the data that are carried along, as the data names them."""
    inputs: tuple[str, ...] = ("",)
    """Those of the data that hold what is answered."""
    words_apart: bool = False
    """Whether white space alone stands between the words of texts, as in columns of words."""
    target: TargetKind | None = None
    """What those carried along are, where they are targets as they were read."""

    @property
    def with_input(self) -> bool:
        """Whether there is a column `input`."""
        return not set(self.inputs) <= set(self.carried)

    @property
    def carried_names(self) -> tuple[str, ...]:
        """What those carried along are called; `input_NAME` where NAME is a column of the answers themselves."""
        reserved = {name for name in RESERVED if name != "input" or self.with_input}
        names: list[str] = []
        for column in self.carried:
            name = column
            while name in reserved or name in names or (name != column and name in self.carried):
                name = f"input_{name}"
            names.append(name)
        return tuple(names)

    def notes(self) -> list[str]:
        """What a person should know of names that could not be kept."""
        return [
            f"column {old!r} of the data is called {new!r} in the answers, which have a column {old!r} of their own"
            for old, new in zip(self.carried, self.carried_names, strict=True)
            if old != new
        ]


class AnswerRecord(msgspec.Struct, frozen=True):
    """One row and its answer."""

    row: int
    input: Any
    answer: Prediction
    cells: tuple[Any, ...] = ()
    """Of the columns kept, in their order; empty where the row could not be read at all."""


class AnswerFormat(Protocol):
    """How answers are written, and counted when a job goes on."""

    def header(self) -> bytes:
        """What stands before the first record."""
        ...

    def encode(self, record: AnswerRecord) -> bytes:
        """One record, line end included."""
        ...

    def count(self, file: BinaryIO) -> RecordCount:
        """Whole records of a file, read from its start in constant memory."""
        ...


@runtime_checkable
class BulkFormat(AnswerFormat, Protocol):
    """A format that writes many records in less time than each of them for itself."""

    def encode_all(self, records: Sequence[AnswerRecord]) -> bytes:
        """What `encode` makes of each, one after the other."""
        ...


def encoded(writer: AnswerFormat, records: Sequence[AnswerRecord]) -> bytes:
    """Records as a format writes them."""
    return writer.encode_all(records) if isinstance(writer, BulkFormat) else b"".join(map(writer.encode, records))


class Delimited:
    """CSV or TSV."""

    def __init__(self, columns: AnswerColumns, delimiter: str) -> None:
        self._columns = columns
        self._delimiter, self._with_input = delimiter, columns.with_input
        self._written = columns.target.written if columns.target else cell_text
        self._no_cells = ("",) * len(columns.carried)

    def header(self) -> bytes:
        """The names of the columns."""
        own = ("input",) if self._with_input else ()
        return self._lines([("row", *self._columns.carried_names, *own, "prediction", "probability", "rejected")])

    def encode(self, record: AnswerRecord) -> bytes:
        """A row of the table."""
        return self._lines([self._fields(record)])

    def encode_all(self, records: Sequence[AnswerRecord]) -> bytes:
        """Their rows."""
        return self._lines(map(self._fields, records))

    def _fields(self, record: AnswerRecord) -> tuple[Any, ...]:
        cells = map(self._written, record.cells) if record.cells else self._no_cells
        own = (cell_text(record.input),) if self._with_input else ()
        prediction, probability, rejected = record.answer.cells()
        sureness = "" if probability is None else f"{probability:.6f}"
        return (record.row, *cells, *own, prediction, sureness, rejected)

    def count(self, file: BinaryIO) -> RecordCount:
        """A line end inside of quotes ends no record; `rejected` is the last field, and empty for what was answered."""
        records = rejected = end = position = quotes = 0
        answered_end = self._delimiter.encode() + b"\n"
        for line in file:
            position += len(line)
            quotes += line.count(b'"')
            if quotes % 2 == 0 and line.endswith(b"\n"):
                end = position
                rejected += records > 0 and not line.endswith(answered_end)
                records += 1
        return RecordCount(max(0, records - 1), rejected, end)

    def _lines(self, rows: Iterable[tuple[Any, ...]]) -> bytes:
        lines = _WrittenLines()
        # The csv module quotes the characters of its own line end only: \r\n makes it quote a lone \r, too.
        csv.writer(lines, delimiter=self._delimiter, lineterminator="\r\n").writerows(rows)
        return escaped("".join([f"{line[:-2]}\n" for line in lines])).encode()


class _WrittenLines(list[str]):
    """What the csv module writes, which is a line at a time."""

    write = list.append


class JsonLines:
    """One object a line."""

    def __init__(self, columns: AnswerColumns) -> None:
        self._with_input, self._names = columns.with_input, columns.carried_names
        self._no_cells = (None,) * len(columns.carried)
        self._encoder = msgspec.json.Encoder(enc_hook=str)

    def header(self) -> bytes:
        """None."""
        return b""

    def encode(self, record: AnswerRecord) -> bytes:
        """The columns kept as they were typed, the answer as it is."""
        return encode_json(self._document(record), enc_hook=str) + b"\n"

    def encode_all(self, records: Sequence[AnswerRecord]) -> bytes:
        """Their lines."""
        try:
            return self._encoder.encode_lines(map(self._document, records))
        except UnicodeEncodeError:  # one of them has to be written with escapes
            return b"".join(map(self.encode, records))

    def _document(self, record: AnswerRecord) -> dict[str, Any]:
        document: dict[str, Any] = {"row": record.row}
        if self._names:
            document.update(zip(self._names, record.cells or self._no_cells, strict=True))
        if self._with_input:
            document["input"] = record.input
        document["prediction"] = record.answer
        return document

    def count(self, file: BinaryIO) -> RecordCount:
        """Each line is a record, up to the first that cannot be read as one."""
        rows = rejected = end = 0
        decoder = msgspec.json.Decoder(_Line)
        for line in file:
            try:
                kind = decoder.decode(line).prediction.type
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
            if line.endswith(b"\n"):
                rows, rejected, end = rows + 1, rejected + (kind == "rejected"), end + len(line)
        return RecordCount(rows, rejected, end)


class _Tagged(msgspec.Struct):
    type: str


class _Line(msgspec.Struct):
    prediction: _Tagged


_FORMATS: dict[str, Callable[[AnswerColumns], AnswerFormat]] = {
    ".csv": lambda columns: Delimited(columns, ","),
    ".tsv": lambda columns: Delimited(columns, "\t"),
    ".jsonl": JsonLines,
    ".ndjson": JsonLines,
}
EXTENSIONS = tuple(_FORMATS)
_NONE: Mapping[str, FileFormat] = {}


def answer_format(
    out: Path, name: str, task: Task | None, flag: str = "--out"
) -> Callable[[AnswerColumns], AnswerFormat]:
    """What writes the answers of a task.

    Args:
        out: the file.
        name: of the format; empty where the end of the file's name says it.
        task: of the answers; None for any.
        flag: that names the file, for messages.

    Raises:
        OptionInvalid: there is no such format.
    """
    own = task.answer.file_formats if task else _NONE
    return named_format(name, own) if name else format_of(out, flag, own)


def answer_extensions(task: Task) -> tuple[str, ...]:
    """What files of the answers of a task may end in."""
    return _extensions(task.answer.file_formats)


def _extensions(own: Mapping[str, FileFormat]) -> tuple[str, ...]:
    return (*EXTENSIONS, *(extension for one in own.values() for extension in one.extensions))


def format_of(
    out: Path, flag: str = "--out", own: Mapping[str, FileFormat] = _NONE
) -> Callable[[AnswerColumns], AnswerFormat]:
    """What writes a file of that name.

    Args:
        out: the file.
        flag: that names it, for messages.
        own: what else its answers can be written as.

    Raises:
        OptionInvalid: its extension names no format that can be appended to.
    """
    suffix = out.suffix.lower()
    if suffix in _FORMATS:
        return _FORMATS[suffix]
    if writer := next((one.writer for one in own.values() if suffix in one.extensions), ""):
        return _imported(writer)
    endings = _extensions(own)
    extension = f"ends in {out.suffix}" if out.suffix else "has no extension"
    stem = out.stem or "answers"
    raise OptionInvalid(
        f"{flag} {out} {extension}, and answers are written as {', '.join(endings[:-1])} or {endings[-1]}",
        f"name it {stem}.csv, which spreadsheets open, or {stem}.jsonl",
    )


def named_format(name: str, own: Mapping[str, FileFormat]) -> Callable[[AnswerColumns], AnswerFormat]:
    """What writes answers in the format of a name.

    Args:
        name: such as csv.
        own: what answers can be written as beside those that all can.

    Raises:
        OptionInvalid: there is none of that name.
    """
    if f".{name}" in _FORMATS:
        return _FORMATS[f".{name}"]
    if name in own:
        return _imported(own[name].writer)
    names = [*(extension[1:] for extension in EXTENSIONS), *own]
    raise OptionInvalid(
        f"--format is {name}, and these answers are written as {', '.join(names[:-1])} or {names[-1]}",
        "name one of them",
    )


def _imported(writer: str) -> Callable[[AnswerColumns], AnswerFormat]:
    module, _, name = writer.partition(":")
    return cast("Callable[[AnswerColumns], AnswerFormat]", getattr(importlib.import_module(module), name))


def cell_text(cell: Any) -> str:
    """A cell as a table has it: null is empty, lists and objects are JSON."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, float):
        return "" if cell != cell else repr(cell)  # noqa: PLR0124
    plain = msgspec.to_builtins(cell, str_keys=True, enc_hook=str)
    return plain if isinstance(plain, str) else encode_json(plain).decode()
