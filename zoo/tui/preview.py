"""What a form shows of data: its task and its columns, as soon as they are known, then what stands in its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.abilities import input_limits, offering_models
from zoo.blocks import DrawnBlock
from zoo.card import Card
from zoo.data import Columns, Inspection, inspect, likely_columns
from zoo.data.clients import clients_in
from zoo.data.columns import check_kind, find_columns, likely_kind, usual_columns
from zoo.data.drawn_rows import drawn_rows
from zoo.data.example import UNKNOWN
from zoo.data.guessing import LikelyTask, fitting_kind, has_target, likeliest_task
from zoo.data.inspection import OnRows
from zoo.data.layout import parts_of
from zoo.data.lines import EncodingLog
from zoo.data.table import Table
from zoo.file_cache import FileCache, read_once
from zoo.kinds.kind import TARGET
from zoo.kinds.media_files import holds_more_than, interruptible
from zoo.tasks import get_task
from zoo.tasks.task import Task

MOST_IMAGES = 20_000
"""A folder of more is not looked at while a form is filled in: that takes minutes."""
SAMPLES = 4
"""Pictures shown of a data set."""


class DataQuery(NamedTuple):
    """Data that is to be looked at, and how."""

    path: str = ""
    eval_path: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    """Role and name of those that a person chose; the others are to be found."""
    merge: bool = False
    """Whether labels that look the same are one class."""
    max_tokens: str = ""
    """At which texts are cut, as it was entered."""
    separator: str = ""
    """What stands between the labels of a row."""
    classes: str = ""
    """A file that says which class each value is."""
    task: str = ""
    """What the data is for."""
    tasks: tuple[str, ...] = ()
    """Those that it may be for, the usual one first; one where a person chose it."""
    untargeted: str = ""
    """What it is for where it has no targets; empty where it must have some."""
    needs_label: bool = True
    """Whether there must be labels."""
    of_clients: bool = False
    """Whether the path is a folder with the data of several clients, the first of whom is looked at."""


class ColumnChoice(NamedTuple):
    """The columns of a table, and which of them are meant; empty where none is found."""

    columns: tuple[str, ...]
    usual: Columns
    """Those of the usual names."""
    likely: Columns
    """Those meant: as chosen, by the usual names, or by what stands in them."""


class ColumnsPreview(NamedTuple):
    """What a data set is for, and its columns."""

    likely: LikelyTask
    choice: ColumnChoice


class SamplesPreview(NamedTuple):
    """A few rows as pictures, with what the data says of them drawn on them."""

    pictures: tuple[DrawnBlock, ...]


class RowsPreview(NamedTuple):
    """What stands in the rows of a data set."""

    inspection: Inspection | None = None
    """None where the rows were not looked at."""
    reason: str = ""
    """Why the data is taken to be for this task; empty where that is no question."""
    note: str = ""
    """Why the rows were not looked at; empty where that is plain."""


def preview(
    query: DataQuery,
    card: Card,
    verb: str,
    files: FileCache,
    *,
    check: Callable[[], None],
    on_rows: OnRows,
) -> Iterator[ColumnsPreview | SamplesPreview | RowsPreview]:
    """Look at data for a form; where it is likely for another task than is meant, only its columns.

    Args:
        query: the data.
        card: the model that it is for.
        verb: what the model shall do with it.
        files: of the data, as far as they were read already.
        check: called again and again, also while folders are listed; what it raises ends the preview.
        on_rows: called with the path and how many of its rows have been looked at, row by row.

    Raises:
        ZooError: the data cannot serve.
    """
    with offering_models(card, verb), interruptible(check), read_once(files):
        if query.of_clients:
            query = query._replace(path=str(clients_in(Path(query.path).expanduser())[0].path))
        table = Table(parts_of(Path(query.path).expanduser()).train, EncodingLog())
        likely = _likely_task(table, query, card.columns)
        choice = find_choice(table, likely.task, query, needs_label=query.needs_label, trained=card.columns)
        yield ColumnsPreview(likely, choice)
        if likely.task.name != query.task:  # the form asks again
            return
        if not set(likely.task.input.roles) <= set(choice.likely):
            check_kind(table, likely.task)
            yield RowsPreview(reason=likely.reason)
        elif folder := next(filter(_is_large, (query.path, query.eval_path)), ""):
            how = f"zoo data inspect {folder} does, in some minutes"
            note = f"more than {MOST_IMAGES:,} images, which are not looked at here; {how}"
            yield RowsPreview(reason=likely.reason, note=note)
        else:
            path = parts_of(Path(query.path).expanduser()).train
            if samples := drawn_rows(path, _task_of(query), choice.likely, SAMPLES):
                yield SamplesPreview(samples)
            inspection = _inspect(query, card, verb, choice.likely, on_rows)
            yield RowsPreview(inspection, likely.reason)


def _is_large(path: str) -> bool:
    folder = Path(path).expanduser()
    return bool(path) and folder.is_dir() and holds_more_than(folder, MOST_IMAGES)


def _inspect(query: DataQuery, card: Card, verb: str, columns: Columns, on_rows: OnRows) -> Inspection:
    task = _task_of(query)
    if not query.needs_label and TARGET not in columns:
        task = msgspec.structs.replace(task, target=None)
    return inspect(
        Path(query.path).expanduser(),
        task,
        eval_path=Path(query.eval_path).expanduser() if query.eval_path else None,
        columns=columns,
        merge=query.merge,
        trained=card.columns,
        limits=input_limits(card, verb, query.max_tokens).limits,
        on_rows=on_rows,
    )


def _task_of(query: DataQuery) -> Task:
    """What the data is for, its targets read as a person says."""
    return get_task(query.task).divided_at(query.separator).named_by(query.classes)


def _likely_task(table: Table, query: DataQuery, trained: Columns) -> LikelyTask:
    """What the data is for: what was chosen, or what it is most likely for."""
    named = [get_task(name) for name in query.tasks or (query.task,)]
    tasks = fitting_kind(named, table, dict(query.columns))
    if query.tasks and query.untargeted and not has_target(tasks, table, columns=dict(query.columns), trained=trained):
        return LikelyTask(get_task(query.untargeted), f"it has no targets, so it is learnt without: {query.untargeted}")
    if len(tasks) == 1:
        return LikelyTask(tasks[0])
    return likeliest_task(tasks, table, columns=dict(query.columns), trained=trained)


def find_choice(
    table: Table, task: Task, query: DataQuery, *, needs_label: bool, trained: Columns = UNKNOWN
) -> ColumnChoice:
    """The columns of a table; a choice made for other data holds where the column is there, too.

    Raises:
        DatasetInvalid: it cannot be read, or lacks a column and has none to choose from.
    """
    usual = usual_columns(table, task, trained)
    columns = usual | {role: name for role, name in query.columns if name in table.columns}
    inputs = task.input.roles
    lacking = [role for role in (task.roles if needs_label else inputs) if role not in columns]
    if not lacking:
        return ColumnChoice(table.columns, usual, columns)
    if set(table.columns) <= set(columns.values()):
        find_columns(table, task, require_target=needs_label, trained=trained)
    if not set(inputs) <= set(columns) and likely_kind(table) not in (None, *inputs.values()):
        return ColumnChoice(table.columns, usual, columns)
    likely = likely_columns(table, task, columns)
    return ColumnChoice(table.columns, usual, {r: name for r, name in likely.items() if r in lacking or r in columns})
