"""What a data set is likely to be for, and which of its columns hold what, where nobody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.data.columns import columns_called, likely_kind, usual_columns
from zoo.data.example import UNKNOWN, Columns
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.file_cache import read_once
from zoo.kinds import INPUT_KINDS
from zoo.kinds.kind import TARGET, is_empty
from zoo.plurals import plural
from zoo.tasks import BUILT_IN, get_task
from zoo.tasks.task import Task

PLAIN = 0.5
"""Least likeness of a column to targets that a task is chosen for."""


@read_once()
def likely_task(path: str | Path, columns: Mapping[str, str] = UNKNOWN, separator: str = "") -> Task:
    """One with a target: of images for a folder, or a table with a usual column of images and none of texts.

    Args:
        path: the data; of a folder divided into train and val the first is looked at.
        columns: names that a person gives, by role.
        separator: what stands between the labels of a row, as a person says.

    Raises:
        DatasetInvalid: it cannot be read.
        Unsupported: a package that reads this format is not installed.
    """
    inputs = [name for role, name in columns.items() if role != TARGET]
    table = Table(parts_of(path).train)
    kind = likely_kind(table, inputs) or INPUT_KINDS[0]
    tasks = [task for task in map(get_task, BUILT_IN) if task.input is kind and task.target]
    return likeliest_task(fitting_separator(tasks, separator), table, columns=columns).task


def fitting_separator(tasks: Sequence[Task], separator: str) -> Sequence[Task]:
    """Those of the tasks whose rows have several labels, where a person says what stands between them; else all."""
    return [task for task in tasks if separator and task.target and task.target.divisible] or tasks


def fitting_kind(tasks: Sequence[Task], table: Table, columns: Mapping[str, str] = UNKNOWN) -> Sequence[Task]:
    """Those of the tasks whose inputs the data plainly hold; all of them where the data do not say.

    Args:
        tasks: to choose from.
        table: the data.
        columns: names that a person gives, by role.

    Raises:
        DatasetInvalid: it cannot be read.
    """
    if len({str(task.input) for task in tasks}) < 2:
        return tasks
    kind = likely_kind(table, [name for role, name in columns.items() if role != TARGET])
    return [task for task in tasks if task.input is kind] or tasks


class LikelyTask(NamedTuple):
    """What a data set is most likely to be for, of several tasks."""

    task: Task
    reason: str = ""
    """In one line; empty where nothing else would do."""


def likeliest_task(
    tasks: Sequence[Task], table: Table, *, columns: Mapping[str, str] = UNKNOWN, trained: Columns = UNKNOWN
) -> LikelyTask:
    """The task whose target the data hold most plainly; the first of the tasks where they do not show any.

    Args:
        tasks: to choose from, the usual one first.
        table: the data.
        columns: names that a person gives, by role.
        trained: the columns that the model was trained on.

    Raises:
        DatasetInvalid: it cannot be read.
        Unsupported: a package that reads this format is not installed.
    """
    rows = table.first_rows
    likeness: list[float] = []
    target_columns: list[str] = []
    for task in tasks:
        target_columns.append(_target_column(table, task, columns, trained))
        cells = [row.values[target_columns[-1]] for row in rows] if target_columns[-1] else []
        cells = [cell for cell in cells if not is_empty(cell)]
        likeness.append(task.target.likeness(cells) if task.target and cells else 0.0)
    best = max(range(len(tasks)), key=lambda index: (likeness[index], -index))
    if likeness[best] < PLAIN:  # without a usable row the names of columns say all there is to be known
        best = 0 if rows else next((index for index, column in enumerate(target_columns) if column), 0)
    return LikelyTask(tasks[best], _reason(tasks, best, target_columns, likeness))


def has_target(
    tasks: Sequence[Task], table: Table, *, columns: Mapping[str, str] = UNKNOWN, trained: Columns = UNKNOWN
) -> bool:
    """Whether data have targets of any of the tasks; arguments and errors as in `likeliest_task`."""
    return any(task.target and _target_column(table, task, columns, trained) for task in tasks)


def _reason(tasks: Sequence[Task], best: int, columns: Sequence[str], likeness: Sequence[float]) -> str:
    """Why the best of the tasks was chosen, and what else the data may be for."""
    column = columns[best]
    others = [i for i, task in enumerate(tasks) if i != best and columns[i] == column and likeness[i]]
    if not column or not (best or others):
        return ""
    reason = f"column {column!r} is taken to hold {plural(str(tasks[best].target))}"
    return reason + (f"; --task {tasks[others[0]].name} takes {plural(str(tasks[others[0]].target))}" if others else "")


def _target_column(table: Table, task: Task, columns: Mapping[str, str], trained: Columns) -> str:
    """The column of the target, as the table spells it; empty where there is none."""
    if name := columns.get(TARGET, ""):
        return next(iter(columns_called(name, table.columns)), "")
    return usual_columns(table, task, trained).get(TARGET, "")


def likely_columns(table: Table, task: Task, settled: Columns = UNKNOWN) -> Columns:
    """The columns whose first rows look most like the inputs and labels of a task; empty where none does.

    Texts are the longest cells, images the names of image files; labels are short and occur again.

    Args:
        table: the data.
        task: what it is for.
        settled: columns that are settled; only the others are looked for.

    Raises:
        DatasetInvalid: the table cannot be read.
    """
    rows = table.first_rows
    cells = {name: [row.values[name] for row in rows if not is_empty(row.values[name])] for name in table.columns}
    columns = {role: settled[role] for role in task.roles if settled.get(role)}
    for role, kind in task.roles.items():
        free = tuple(name for name in table.columns if name not in columns.values())
        if role not in columns and (best := _best(free, [kind.likeness(cells[name]) for name in free])):
            columns[role] = best
    return columns


def _best(columns: Sequence[str], likeness: Sequence[float]) -> str:
    """The column with the greatest likeness, the last of several; empty where none has any."""
    best = max(range(len(columns)), key=lambda i: (likeness[i], i), default=None)
    return columns[best] if best is not None and likeness[best] > 0 else ""
