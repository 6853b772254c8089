"""Data looked at while a form is filled in: its columns as soon as they are known, then what stands in its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from zoo.abilities import input_limits, offering_models
from zoo.card import Card
from zoo.data import Columns, Inspection, inspect, likely_columns
from zoo.data.columns import check_kind, find_columns, likely_kind, usual_columns
from zoo.data.example import UNKNOWN
from zoo.data.guessing import LikelyTask, likeliest_task
from zoo.data.inspection import OnRows
from zoo.data.inspection_text import findings, report
from zoo.data.layout import parts_of
from zoo.data.lines import EncodingLog
from zoo.data.table import Table
from zoo.errors import RunCancelled, ZooError
from zoo.sanitize import plain, unbroken
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.tui.form_errors import with_labels

SHOWN_EVERY = 200
"""Rows."""
LEAST_WIDTH = 40


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
    task: str = ""
    """What the data is for."""
    tasks: tuple[str, ...] = ()
    """Those that it may be for, the usual one first; one where a person chose it."""


class ColumnChoice(NamedTuple):
    """The columns of a table, and which of them are meant; empty where none is found."""

    columns: tuple[str, ...]
    usual: Columns
    """Those of the usual names."""
    likely: Columns
    """Those meant: as chosen, by the usual names, or by what stands in them."""


class DataPreview(Static):
    """What a data set is like.

    Args:
        card: the model it is for.
        verb: what the model shall do with it.
        needs_label: whether the data must have labels.
        advice: what is said while there is nothing to look at.
        labels: gives the name of each field of the form to its label.
    """

    class ColumnsRead(Message):
        """The columns of the data are known."""

        def __init__(self, query: DataQuery, choice: ColumnChoice, likely: LikelyTask) -> None:
            super().__init__()
            self.query, self.choice, self.likely = query, choice, likely

    class Failed(Message):
        """The data cannot serve."""

        def __init__(self, query: DataQuery, error: ZooError) -> None:
            super().__init__()
            self.query, self.error = query, error

    class RowsRead(Message):
        """Some of the rows were looked at, or all of them."""

        def __init__(
            self, query: DataQuery, rows: int, inspection: Inspection | None = None, *, reason: str = ""
        ) -> None:
            super().__init__()
            self.query, self.rows, self.inspection = query, rows, inspection
            self.reason = reason
            """Why the data is taken to be for this task; empty where that is no question."""

    def __init__(
        self,
        card: Card,
        verb: str,
        *,
        needs_label: bool,
        advice: str,
        labels: Callable[[], Mapping[str, str]],
        id: str | None = None,
    ) -> None:
        super().__init__(plain(advice), id=id, markup=False)
        self._labels = labels
        self._model, self._verb, self._advice = card, verb, advice
        self._needs_label = needs_label
        self._query = DataQuery()
        self._reader: Worker[None] | None = None

    @property
    def query_now(self) -> DataQuery:
        """The data that is meant now."""
        return self._query

    def look(self, query: DataQuery) -> None:
        """Look at other data; what was begun before is given up."""
        if query == self._query:
            return
        self._query = query
        if self._reader is not None:
            self._reader.cancel()
        self.update("looking at the data" if query.path else plain(self._advice))
        if query.path:
            self._reader = self.run_worker(lambda: self._read(query), thread=True, exit_on_error=False)

    def is_current(self, message: DataPreview.ColumnsRead | DataPreview.Failed | DataPreview.RowsRead) -> bool:
        """Whether a message is about the data that is meant now."""
        return message.query == self._query

    def on_data_preview_failed(self, message: Failed) -> None:
        if self.is_current(message):
            self.update("")

    def on_data_preview_rows_read(self, message: RowsRead) -> None:
        message.stop()
        if not self.is_current(message):
            return
        if message.inspection is None:
            self.update(f"{message.rows:,} looked at" if message.rows else "")
            return
        lines = list(report(message.inspection, max(LEAST_WIDTH, self.size.width - 1)))
        problems = [with_labels(finding, self._labels()) for finding in findings(message.inspection)]
        reason = [message.reason] if message.reason else []
        # What is wrong stands first: there may be little room.
        self.update("\n".join(map(unbroken, [*reason, *problems, "", *lines[: len(lines) - len(problems)]])))

    def _read(self, query: DataQuery) -> None:
        """In a thread: the header, then the rows."""
        worker = get_current_worker()

        def watch(name: str, rows: int) -> None:
            if worker.is_cancelled:
                raise RunCancelled("other data is meant now")
            if rows % SHOWN_EVERY == 0:
                self.post_message(self.RowsRead(query, rows))

        try:
            with offering_models(self._model, self._verb):
                table = Table(parts_of(Path(query.path).expanduser()).train, EncodingLog())
                trained = self._model.columns
                likely = _likely_task(table, query, trained)
                choice = find_choice(table, likely.task, query, needs_label=self._needs_label, trained=trained)
                self.post_message(self.ColumnsRead(query, choice, likely))
                if likely.task.name != query.task:  # the form asks again
                    return
                complete = set(likely.task.input.roles) <= set(choice.likely)
                if not complete:
                    check_kind(table, likely.task)
                inspection = self._inspect(query, choice.likely, watch) if complete else None
                self.post_message(self.RowsRead(query, 0, inspection, reason=likely.reason))
        except RunCancelled:
            return
        except ZooError as error:
            self.post_message(self.Failed(query, error))

    def _inspect(self, query: DataQuery, columns: Columns, watch: OnRows) -> Inspection:
        return inspect(
            Path(query.path).expanduser(),
            get_task(query.task).divided_at(query.separator),
            eval_path=Path(query.eval_path).expanduser() if query.eval_path else None,
            named=columns,
            merge=query.merge,
            trained=self._model.columns,
            limits=input_limits(self._model, self._verb, query.max_tokens).limits,
            on_rows=watch,
        )


def _likely_task(table: Table, query: DataQuery, trained: Columns) -> LikelyTask:
    """What the data is for: what was chosen, or what it is most likely for."""
    tasks = [get_task(name) for name in query.tasks or (query.task,)]
    if len(tasks) == 1:
        return LikelyTask(tasks[0])
    return likeliest_task(tasks, table.path, named=dict(query.columns), trained=trained)


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
