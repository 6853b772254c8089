"""Looking at a data set before training on it: one pass over each file, nothing kept but counts and digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from zoo.data.characters import has_control, has_mojibake, has_replacement
from zoo.data.columns import find_columns
from zoo.data.example import Columns, RejectedRow
from zoo.data.findings import find
from zoo.data.lengths import LengthMeter
from zoo.data.lines import EncodingLog
from zoo.data.loading import Unusable, is_empty, read_input, read_label
from zoo.data.report import Encoding, Inspection, LabelCount, Marks, Part, Repeats, RowPair
from zoo.data.rows import Malformed, Row
from zoo.data.splitting import text_key
from zoo.data.table import Table
from zoo.task import Task

_SHOWN = 5


def inspect(
    path: str | Path,
    task: Task,
    *,
    eval_path: str | Path | None = None,
    input_column: str = "",
    label_column: str = "",
    tokenizer: Path | None = None,
    max_tokens: int | None = None,
) -> Inspection:
    """Count and check everything about a data set that decides how well training on it can go.

    Args:
        path: the training data.
        task: what it is for.
        eval_path: evaluation data, compared with the training data.
        input_column: name of the column, where it is none of the usual ones.
        label_column: likewise.
        tokenizer: a `tokenizer.json`; without one lengths are in words.
        max_tokens: longest input the model takes.

    Raises:
        DatasetInvalid: a file cannot be read at all, or has no column for the input.
        Unsupported: a package that reads this format is not installed.
    """
    names = (input_column, label_column)
    train = _Survey(path, task, names, LengthMeter(tokenizer, max_tokens))
    train.walk()
    evaluation = None
    if eval_path:
        evaluation = _Survey(eval_path, task, names, LengthMeter(tokenizer, max_tokens), against=train.seen)
        evaluation.walk()
    found = Inspection(
        task=task.name,
        train=train.part(),
        eval=evaluation.part() if evaluation else None,
        labels=_label_counts(train.labels, evaluation.labels if evaluation else Counter()),
        overlap=evaluation.overlap.result() if evaluation else Repeats(),
    )
    return find(found, task)


def _label_counts(train: Counter[str], evaluation: Counter[str]) -> tuple[LabelCount, ...]:
    order = sorted({*train, *evaluation}, key=lambda label: (-train[label], label))
    return tuple(LabelCount(label, train[label], evaluation[label]) for label in order)


class _Pairs:
    """Counts pairs of rows and keeps the first few."""

    def __init__(self) -> None:
        self._rows = 0
        self._first: list[RowPair] = []

    def add(self, row: int, other_row: int) -> None:
        self._rows += 1
        if len(self._first) < _SHOWN:
            self._first.append(RowPair(row, other_row))

    def result(self) -> Repeats:
        return Repeats(self._rows, tuple(self._first))


class _Survey:
    """What has been counted in one file so far."""

    def __init__(
        self,
        path: str | Path,
        task: Task,
        names: tuple[str, str],
        lengths: LengthMeter,
        against: dict[bytes, tuple[int, str | None]] | None = None,
    ) -> None:
        self._task = task
        self._log = EncodingLog()
        self._table = Table(path, self._log)
        self._columns: Columns = find_columns(
            self._table, task, input_column=names[0], label_column=names[1], require_labels=False
        )
        self._lengths = lengths
        self._against = against
        self._rows = self._empty = self._unlabelled = self._rejected_count = 0
        self._rejected: list[RejectedRow] = []
        self._duplicates, self._conflicts = _Pairs(), _Pairs()
        self._marks: dict[Callable[[str], bool], Marks] = {}
        self.seen: dict[bytes, tuple[int, str | None]] = {}
        self.labels: Counter[str] = Counter()
        self.overlap = _Pairs()

    def walk(self) -> None:
        """Read the file once."""
        wanted = tuple(name for name in (self._columns.input, self._columns.label) if name)
        for row in self._table.rows(wanted):
            self._rows += 1
            if isinstance(row, Malformed):
                self._reject(row.number, row.reason)
            else:
                self._look_at(row)

    def part(self) -> Part:
        """The counts."""
        return Part(
            path=str(self._table.path),
            rows=self._rows,
            columns=self._table.columns,
            mapping=self._columns,
            empty_rows=self._empty,
            unlabelled_rows=self._unlabelled,
            rejected_rows=self._rejected_count,
            rejected=tuple(self._rejected),
            duplicates=self._duplicates.result(),
            conflicts=self._conflicts.result(),
            encoding=Encoding(
                first_invalid=self._log.first,
                invalid_lines=self._log.lines,
                replacement_characters=self._marks.get(has_replacement, Marks()),
                mojibake=self._marks.get(has_mojibake, Marks()),
                control_characters=self._marks.get(has_control, Marks()),
            ),
            lengths=self._lengths.result(),
        )

    def _reject(self, row: int, reason: str) -> None:
        self._rejected_count += 1
        if len(self._rejected) < _SHOWN:
            self._rejected.append(RejectedRow(str(self._table.path), row, reason))

    def _look_at(self, row: Row) -> None:
        value = row.values[self._columns.input]
        if isinstance(value, str):
            self._mark(row.number, value)
        try:
            text = read_input(value, self._task, self._columns.input)
        except Unusable as unusable:
            self._empty += is_empty(value)
            return self._reject(row.number, str(unusable))
        label = None
        if self._columns.label:
            try:
                label = read_label(row.values[self._columns.label], self._columns.label)
            except Unusable as unusable:
                return self._reject(row.number, str(unusable))
            if label is None:
                self._unlabelled += 1
                return self._reject(row.number, f"column {self._columns.label} is empty: the label is missing")
            self.labels[label] += 1
        self._lengths.add(text)
        self._compare(row.number, text, label)
        return None

    def _mark(self, row: int, text: str) -> None:
        for has_mark in (has_replacement, has_mojibake, has_control):
            if has_mark(text):
                before = self._marks.get(has_mark, Marks())
                self._marks[has_mark] = Marks(before.rows + 1, before.first_row or row)

    def _compare(self, row: int, text: str, label: str | None) -> None:
        """Note whether the same text was met before, here or in the training data."""
        key = text_key(text)
        first_row, first_label = self.seen.setdefault(key, (row, label))
        if first_row != row:
            self._duplicates.add(first_row, row)
            if first_label != label:
                self._conflicts.add(first_row, row)
        if self._against is not None and key in self._against:
            self.overlap.add(self._against[key][0], row)
