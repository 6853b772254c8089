"""Rows to examples: what can be used is kept, what cannot is set aside with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.columns import carried_columns, find_columns
from zoo.data.digests import digest, digest_of_examples, digest_with
from zoo.data.example import UNKNOWN, Columns, Dataset, Example, RejectedRow
from zoo.data.labels import check_mergeable, merge_labels
from zoo.data.layout import deeper_root
from zoo.data.rows import Malformed, Row
from zoo.data.table import SAMPLED_ROWS, Table
from zoo.errors import DatasetInvalid
from zoo.file_cache import read_once
from zoo.kinds import TargetKind, Unusable
from zoo.kinds.kind import TARGET, is_empty
from zoo.kinds.spelling import quoted
from zoo.kinds.target_kind import FittedTarget
from zoo.plurals import name_list
from zoo.row_range import RowRange
from zoo.tasks.task import Task

COUNTABLE_BYTES = 256 * 2**20


@read_once()
def load(
    path: str | Path,
    task: Task,
    *,
    columns: Mapping[str, str] = UNKNOWN,
    require_target: bool | None = None,
    min_classes: int = 2,
    merge: bool = False,
    trained: Columns = UNKNOWN,
    keep_untargeted: bool = False,
) -> Dataset:
    """Read a whole file, or a folder of images; rows that cannot be used end up in `Dataset.rejected`.

    Args:
        path: the file, whose extension names its format, or the folder, whose folders name the classes.
        task: what the examples are for; a task without targets ignores those of the file.
        columns: their names by role, where they are none of the usual ones.
        require_target: whether every row must carry a target; None asks the task.
        min_classes: fewest different labels that make sense, where targets hold any; 1 for data that is only evaluated
            on.
        merge: whether labels that look the same are one class.
        trained: the columns that the model was trained on, which go before the usual ones.
        keep_untargeted: whether rows that lack nothing but a target are kept, as `Dataset.untargeted`; that the others
            have one label only is no fault then.

    Raises:
        DatasetInvalid: the file as a whole cannot serve, naming file, row and the columns found.
        OptionInvalid: there are no labels to merge.
        Unsupported: a package that reads this format is not installed.
    """
    required = task.target is not None and require_target is not False
    column_required = required and task.target is not None and not task.target.without
    if merge:
        check_mergeable(task.target)
    table = Table(path)
    resolved = find_columns(table, task, columns=columns, require_target=column_required, trained=trained)
    required = required and (column_required or TARGET in resolved)
    task, rows = adapted_task(task, resolved, table.rows(tuple(resolved.values())), table.base)
    reader = _RowReader(table, task, resolved, require_target=required, keep_untargeted=keep_untargeted)
    dataset = _digested(_dataset(str(path), table, reader, rows), task)
    if merge:
        dataset = merge_labels(dataset)
    _check_rows(dataset, table)
    if required and min_classes > 1 and dataset.examples:
        _check_targets(dataset, table)
    return dataset


def _dataset(path: str, table: Table, reader: _RowReader, rows: Iterator[Row | Malformed]) -> Dataset:
    """All rows, those that can be used and the others, as they are read."""
    examples: list[Example] = []
    untargeted: list[Example] = []
    rejected: list[RejectedRow] = []
    for item in map(reader.read, rows):
        if isinstance(item, RejectedRow):
            rejected.append(item)
        elif item.target is None and reader.require_target:
            untargeted.append(item)
        else:
            examples.append(item)
    task, columns = reader.task, reader.columns
    return Dataset(
        path=path,
        examples=tuple(examples),
        columns=columns,
        untargeted=tuple(untargeted),
        rejected=tuple(rejected),
        faults=tuple(reader.faults),
        class_names=table.class_names(columns[TARGET]) if TARGET in columns else (),
        target=task.target,
        base=str(table.base),
        has_class_folders=table.has_class_folders,
        unit=table.unit,
        names_file=str(table.names_file or ""),
        reading_note=reading_note(table, task, columns),
    )


def stream(path: str | Path, task: Task, *, columns: Mapping[str, str] = UNKNOWN) -> Iterator[Example | RejectedRow]:
    """Read inputs one by one in order, in constant memory; the file and its columns are checked at once.

    Raises:
        DatasetInvalid: the file cannot serve.
        Unsupported: a package that reads this format is not installed.
    """
    return (item for item, _ in InputRows(path, task, columns=columns))


def first_examples(path: str | Path, task: Task, columns: Columns, limit: int) -> tuple[Example, ...]:
    """The first rows that can be used, to show what the data is like.

    Args:
        path: the data.
        task: what it is for.
        columns: its columns by role, as they were found.
        limit: most of them.

    Raises:
        DatasetInvalid: the data cannot be read.
    """
    table = Table(path)
    task, rows = adapted_task(task, columns, table.rows(tuple(columns.values())), table.base)
    reader = _RowReader(table, task, columns, require_target=TARGET in columns)
    return tuple(islice((item for item in map(reader.read, rows) if isinstance(item, Example)), limit))


class InputRows:
    """The inputs of a file or folder, each with the cells of some columns beside it; read as often as it is iterated.

    Args:
        path: the data.
        task: what the inputs are for.
        columns: their names by role, where they are none of the usual ones.
        keep: the columns whose cells are wanted, by name or as "all"; see `carried_columns`.
        trained: the columns that the model was trained on, which go before the usual ones.
        part: those rows alone; None for all.

    Raises:
        DatasetInvalid: the data cannot serve, or has no such column.
        Unsupported: a package that reads this format is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        task: Task,
        *,
        columns: Mapping[str, str] = UNKNOWN,
        keep: Sequence[str] = (),
        trained: Columns = UNKNOWN,
        part: RowRange | None = None,
    ) -> None:
        self._table = Table(path)
        self._task, self._part = task, part
        resolved = find_columns(self._table, task, columns=columns, require_target=False, trained=trained)
        self.columns: Columns = {role: resolved[role] for role in task.input.roles}
        self.carried = carried_columns(self._table, keep)
        self.words_apart = self._table.words_apart

    def __iter__(self) -> Iterator[tuple[Example | RejectedRow, tuple[Any, ...]]]:
        """In order and in constant memory; a row that cannot be read at all has no cells."""
        reader = _RowReader(self._table, self._task, self.columns, require_target=False)
        for row in self._rows(tuple(dict.fromkeys((*self.columns.values(), *self.carried)))):
            cells = () if isinstance(row, Malformed) else tuple(row.values[name] for name in self.carried)
            yield reader.read(row), cells

    def _rows(self, columns: tuple[str, ...]) -> Iterator[Row | Malformed]:
        if (part := self._part) is None:
            return self._table.rows(columns)
        return islice(self._table.rows(columns, part.mark), part.skipped, part.skipped + part.rows)


def count_rows(path: str | Path, columns: tuple[str, ...] = ()) -> int | None:
    """How many rows there are; None for a file so large that counting would keep a person waiting.

    Args:
        path: of the file.
        columns: those that are read, which decide what a row is in some formats.

    Raises:
        DatasetInvalid: the file cannot be read.
    """
    table = Table(path)
    row_count = table.known_rows()
    if row_count is None and table.size_bytes <= COUNTABLE_BYTES:
        return sum(1 for _ in table.rows(columns))
    return row_count


def adapted_task(
    task: Task, columns: Columns, rows: Iterator[Row | Malformed], base: Path
) -> tuple[Task, Iterator[Row | Malformed]]:
    """The task with its kind of target adapted to how the column of the target is written, and the same rows.

    Args:
        task: what the rows are for.
        columns: of the rows, by role.
        rows: all of them; the first ones are looked at.
        base: the folder that relative paths in them start from.
    """
    if not (task.target and TARGET in columns):
        return task, rows
    first = list(islice(rows, None if task.target.needs_all_cells else SAMPLED_ROWS))
    column = columns[TARGET]
    labelled = [row for row in first if isinstance(row, Row) and not is_empty(row.values[column])]
    inputs = (_input_or_none(task, columns, row, base) for row in labelled)
    target = task.target.adapted_to([row.values[column] for row in labelled], base, inputs)
    return msgspec.structs.replace(task, target=target), chain(first, rows)


def task_beside(task: Task, training: TargetKind | None) -> Task:
    """A task as evaluation data are read for it.

    Args:
        task: what they are for.
        training: what the targets of the training data are, as they were read.
    """
    return msgspec.structs.replace(task, target=task.target.beside(training)) if task.target and training else task


def read_input(task: Task, columns: Columns, row: Row, base: Path) -> Any:
    """The input of a row.

    Raises:
        Unusable: it has none.
    """
    parts = [kind.read(row.values[columns[role]], columns[role], base) for role, kind in task.input.roles.items()]
    return task.input.joined(parts)


def _input_or_none(task: Task, columns: Columns, row: Row, base: Path) -> Any:
    try:
        return read_input(task, columns, row, base)
    except Unusable:
        return None


def reading_note(table: Table, task: Task, columns: Columns) -> str:
    """What a person should know of how a data set is read: its format, and its targets; empty where that is plain."""
    target = task.target
    of_inputs = (kind.unread_note(columns[role], table.columns) for role, kind in task.input.roles.items())
    of_targets = target.reading_note(columns[TARGET]) if target and TARGET in columns else ""
    return "; ".join(filter(None, (table.format_note, *map(table.rows_note, columns.values()), *of_inputs, of_targets)))


class _RowReader:
    """Makes an example of a row, or says why it is none."""

    def __init__(
        self, table: Table, task: Task, columns: Columns, *, require_target: bool, keep_untargeted: bool = False
    ) -> None:
        self._table, self.task, self._target, self.columns = table, task, task.target, columns
        self._target_column = columns.get(TARGET, "") if task.target else ""
        self.require_target, self._keep_untargeted = require_target, keep_untargeted
        self._file, self._base = str(table.path), table.base
        self._interned: dict[Any, Any] = {}
        self.faults: list[RejectedRow] = []
        """Of parts of the targets read so far."""

    def read(self, row: Row | Malformed) -> Example | RejectedRow:
        if isinstance(row, Malformed):
            if row.untargeted is None or not self._keep_untargeted:
                return self._rejected(row.number, row.reason, row.name)
            row = row.untargeted
        try:
            value = read_input(self.task, self.columns, row, self._base)
            target = self._read_target(row, value)
        except Unusable as unusable:
            return self._rejected(row.number, str(unusable), self._name_of(row))
        # A million rows share the few strings that are their labels.
        return Example(value, None if target is None else self._interned.setdefault(target, target), row.number)

    def _read_target(self, row: Row, value: Any) -> Any:
        column = self._target_column
        fitted = FittedTarget(None)
        if self._target and column:
            fitted = self._target.read_with_input(row.values[column], column, value)
        if fitted.target is None and self.require_target and not self._keep_untargeted:
            raise Unusable(self._table.missing_target(column))
        self.faults += [self._rejected(row.number, fault, self._name_of(row)) for fault in fitted.faults]
        return fitted.target

    def _name_of(self, row: Row) -> str:
        return self._table.file_named_by(row, (self.columns[role] for role in self.task.input.roles))

    def _rejected(self, row: int, reason: str, name: str) -> RejectedRow:
        return RejectedRow(str(self._base / name) if name else self._file, row, reason, name)


def _digested(dataset: Dataset, task: Task) -> Dataset:
    """The same data set with the digests of the files it names, if it names any, and of the whole."""
    examples, whole = (*dataset.examples, *dataset.untargeted), digest(dataset.path)
    if dataset.names_file and task.target:
        whole = digest_with(whole, Path(dataset.names_file))
    digests = task.input.digests(example.input for example in examples)
    if any(digests):
        pairs = zip(examples, digests, strict=True)
        examples = tuple(msgspec.structs.replace(example, digest=sha256) for example, sha256 in pairs)
        whole = digest_of_examples(whole, examples, dataset.target)
    count = len(dataset.examples)
    return msgspec.structs.replace(dataset, examples=examples[:count], untargeted=examples[count:], sha256=whole)


def _check_rows(dataset: Dataset, table: Table) -> None:
    """Refuse a data set without a usable row."""
    table.check_encoding(len(dataset.examples) + len(dataset.untargeted) + len(dataset.rejected))
    columns = f"columns found: {name_list(table.columns)}"
    if not (dataset.examples or dataset.untargeted):
        if not dataset.rejected:
            raise DatasetInvalid(f"{dataset.path} has no rows; {columns}", "is it the right file?")
        first = dataset.rejected[0]
        raise DatasetInvalid(
            f"{dataset.path} has no usable row: {len(dataset.rejected):,} rejected, "
            f"the first of them {first.located_reason}; {columns}",
            f"zoo data inspect {dataset.path} says more",
        )


def _check_targets(dataset: Dataset, table: Table) -> None:
    """Refuse a data set whose targets teach nothing."""
    kind, labels = dataset.target, dataset.labels
    assert kind is not None
    columns = f"columns found: {name_list(table.columns)}"
    for example in dataset.examples:
        if fault := kind.teaches_nothing(example.target):
            raise DatasetInvalid(
                f"{dataset.path}, row {example.row}: {fault}; columns found: {name_list(table.columns)}",
                f"remove the row, or mend it; zoo data inspect {dataset.path} says how many there are",
            )
    if fault := kind.nothing_to_learn([example.target for example in dataset.examples]):
        raise DatasetInvalid(
            f"{dataset.path}: {fault} in column {dataset.columns[TARGET]}; {columns}", "is --label the right column?"
        )
    if len(labels) >= kind.fewest_labels or dataset.untargeted:
        return
    if table.has_class_folders:
        raise _one_class_folder(table, labels[0])
    raise DatasetInvalid(
        f"{dataset.path} has one class only: from row {dataset.examples[0].row} on, every row is "
        f"{quoted(labels[0])} in column {dataset.columns[TARGET]}; {columns}",
        "a classifier needs at least two; is --label the right column?",
    )


def _one_class_folder(table: Table, label: str) -> DatasetInvalid:
    path, unit = table.path, table.unit
    deeper = deeper_root(path)
    return DatasetInvalid(
        f"{path} has one class only: every {unit} stands in {path / label}",
        f"if the classes are the folders in it, use {deeper}"
        if deeper
        else f"a classifier needs at least two: put the {unit}s of each class in a folder of its own below {path}",
    )
