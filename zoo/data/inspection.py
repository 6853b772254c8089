"""Looking at a data set before training on it: one pass over each part, nothing kept but counts and digests."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from zoo.answers import Rejected
from zoo.data.columns import find_columns
from zoo.data.example import UNKNOWN, Columns, RejectedRow
from zoo.data.findings import find
from zoo.data.labels import check_mergeable
from zoo.data.layout import empty_classes, parts_of, repeated_folders
from zoo.data.lines import EncodingLog
from zoo.data.loading import adapted_task, read_input, reading_note, task_beside
from zoo.data.report import Encoding, Inspection, Part
from zoo.data.rows import Malformed, Row
from zoo.data.table import Table
from zoo.data.tally import Occurrence, Tally, with_counts
from zoo.file_cache import read_once
from zoo.kinds import TargetKind
from zoo.kinds.facts import ModelLimits
from zoo.kinds.kind import TARGET, Unusable, is_empty
from zoo.kinds.measure import Measurement, NoMeasure
from zoo.prefetch import prefetched
from zoo.tasks.task import Task

_EXAMPLES_SHOWN = 5
_AHEAD = 8
"""Inputs per thread that are looked at ahead of being counted."""
OnRows = Callable[[str, int], None]


@read_once()
def inspect(
    path: str | Path,
    task: Task,
    *,
    eval_path: str | Path | None = None,
    columns: Mapping[str, str] = UNKNOWN,
    merge: bool = False,
    trained: Columns = UNKNOWN,
    limits: ModelLimits | None = None,
    on_rows: OnRows | None = None,
) -> Inspection:
    """Count and check everything about a data set that decides how well training on it can go.

    Args:
        path: the training data; a folder divided into train and val (or test) brings its evaluation data along.
        task: what it is for.
        eval_path: evaluation data, compared with the training data.
        columns: their names by role, where they are none of the usual ones.
        merge: whether labels that look the same are one class.
        trained: the columns that the model was trained on, which go before the usual ones.
        limits: of the model that it is for.
        on_rows: called with the path and how many of its rows have been looked at, row by row.

    Raises:
        DatasetInvalid: a file cannot be read at all, or has no column for the input.
        OptionInvalid: there are no labels to merge.
        Unsupported: a package that reads this format is not installed.
    """
    if merge:
        check_mergeable(task.target)
    if eval_path is None:
        path, validation, test = parts_of(path)
        eval_path = validation or test
    find_own = partial(
        find_columns,
        task=task,
        columns=columns,
        require_target=False,
        trained=trained,
    )
    survey = partial(_Survey, task=task, find=find_own, limits=limits or ModelLimits(), merge=merge)
    train = survey(path)
    train.walk(on_rows or _ignore)
    evaluation = None
    if eval_path:
        evaluation = survey(eval_path, task=task_beside(task, train.target), against=train.tally.occurrences)
        evaluation.walk(on_rows or _ignore)
    inspection = Inspection(task=task.name, train=train.part(), eval=evaluation.part() if evaluation else None)
    return find(with_counts(inspection, train.tally, evaluation.tally if evaluation else Tally(task.target)), task)


def _ignore(path: str, rows: int) -> None:
    """Nobody is watching."""


def _group_column(names: tuple[str, ...], columns: Columns, task: Task) -> str:
    """The column that says which rows belong together; empty where there is none."""
    others = {name.lower(): name for name in names if name not in columns.values()}
    return next((others[usual] for usual in task.input.group_columns if usual in others), "")


class _PendingRow(NamedTuple):
    """A row on its way: what it holds, or why it cannot be used."""

    row: int
    value: Any = ""
    target: Any = None
    reason: str = ""
    name: str = ""
    """Of the file that it is, if it is one."""
    group: str = ""
    """What it has in common with others; empty where nothing says so."""


class _Survey:
    """What has been counted in one part so far."""

    def __init__(
        self,
        path: str | Path,
        *,
        task: Task,
        find: Callable[[Table], Columns],
        limits: ModelLimits,
        merge: bool,
        against: dict[bytes, Occurrence] | None = None,
    ) -> None:
        self._task = task
        self._log = EncodingLog()
        self._table = Table(path, self._log)
        self._columns, self._base = find(self._table), self._table.base
        self._group_column = _group_column(self._table.columns, self._columns, task)
        self._groups: Counter[str] = Counter()
        self._measure = task.input.measure(self._base, limits)
        self._target_measure = task.target.measure(limits) if task.target else NoMeasure()
        self._rows = self._empty = self._unlabelled = self._rejected_count = 0
        self._rejected: list[RejectedRow] = []
        self._faults, self._first_fault = 0, ""
        self._fault_sorts: Counter[str] = Counter()
        self.tally = Tally(task.target, merge=merge, against=against)

    @property
    def target(self) -> TargetKind | None:
        """What the targets are, as they are read once this part was walked."""
        return self._task.target

    def walk(self, on_rows: OnRows) -> None:
        """Read the part once."""
        threads = (os.cpu_count() or 1) if self._measure.threads else 0
        for pending, measurement in prefetched(self._look, self._read(), threads=threads, ahead=_AHEAD * threads):
            self._rows += 1
            if isinstance(measurement, Rejected):
                self._reject(pending, measurement.reason)
            else:
                self._count(pending, measurement)
            on_rows(str(self._table.path), self._rows)

    def part(self) -> Part:
        """The counts."""
        folder = self._table.path if TARGET in self._columns and self._table.has_class_folders else None
        part = self._measure.complete(
            Part(
                path=str(self._table.path),
                unit=self._table.unit,
                rows=self._rows,
                columns=self._table.columns,
                mapping=self._columns,
                empty_rows=self._empty,
                unlabelled_rows=self._unlabelled,
                rejected_rows=self._rejected_count,
                rejected=tuple(self._rejected),
                duplicates=self.tally.duplicates.result(),
                conflicts=self.tally.conflicts.result(),
                encoding=Encoding(first_invalid=self._log.first, invalid_lines=self._log.lines),
                empty_classes=empty_classes(folder) if folder else (),
                repeated_folders=repeated_folders(folder) if folder else (),
                group_column=self._group_column,
                groups=dict(self._groups.most_common()),
                reading_note=reading_note(self._table, self._task, self._columns),
                faults=self._faults,
                fault_sorts=dict(self._fault_sorts.most_common()),
                first_fault=self._first_fault,
            )
        )
        return self._target_measure.complete(part)

    def _reject(self, pending: _PendingRow, reason: str) -> None:
        self._rejected_count += 1
        if len(self._rejected) < _EXAMPLES_SHOWN:
            self._rejected.append(self._rejected_row(pending, reason))

    def _rejected_row(self, pending: _PendingRow, reason: str) -> RejectedRow:
        file = self._base / pending.name if pending.name else self._table.path
        return RejectedRow(str(file), pending.row, reason, pending.name)

    def _read(self) -> Iterator[_PendingRow]:
        group = (self._group_column,) if self._group_column else ()
        rows = self._table.rows((*self._columns.values(), *group))
        self._task, rows = adapted_task(self._task, self._columns, rows, self._base)
        for row in rows:
            if isinstance(row, Malformed):
                yield _PendingRow(row.number, reason=row.reason, name=row.name)
                continue
            try:
                yield self._usable(row)
            except Unusable as unusable:
                yield _PendingRow(row.number, reason=str(unusable), name=self._name_of(row))

    def _usable(self, row: Row) -> _PendingRow:
        if texts := [cell for name in self._columns.values() if isinstance(cell := row.values[name], str)]:
            self._measure.cell(row.number, "\n".join(texts))
        cells = [row.values[self._columns[role]] for role in self._task.input.roles]
        self._empty += any(map(is_empty, cells))
        value = read_input(self._task, self._columns, row, self._base)
        if not (self._task.target and TARGET in self._columns):
            return _PendingRow(row.number, value, name=self._name_of(row), group=self._group_of(row))
        column = self._columns[TARGET]
        target, faults = self._task.target.read_with_input(row.values[column], column, value)
        if target is None:
            self._unlabelled += 1
            raise Unusable(self._table.missing_target(column))
        if faults:
            self._faults += len(faults)
            self._fault_sorts.update(filter(None, map(self._task.target.fault_sort, faults)))
            first = self._rejected_row(_PendingRow(row.number, name=self._name_of(row)), faults[0])
            self._first_fault = self._first_fault or first.located_reason
        return _PendingRow(row.number, value, target, name=self._name_of(row), group=self._group_of(row))

    def _group_of(self, row: Row) -> str:
        cell = row.values[self._group_column] if self._group_column else None
        return "" if is_empty(cell) else str(cell)

    def _name_of(self, row: Row) -> str:
        return self._table.file_named_by(row, (self._columns[role] for role in self._task.input.roles))

    def _look(self, pending: _PendingRow) -> tuple[_PendingRow, Measurement | Rejected]:
        return pending, Rejected(pending.reason) if pending.reason else self._measure.look(pending.value)

    def _count(self, pending: _PendingRow, measurement: Measurement) -> None:
        """Take a usable row into account."""
        self._measure.add(measurement.details)
        if pending.group:
            self._groups[pending.group] += 1
        self.tally.add(measurement.key, Occurrence(pending.row, pending.target, measurement.name))
        if pending.target is not None:
            self._target_measure.add(pending.row, pending.target, pending.value)
