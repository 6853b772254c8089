"""What a data set is likely to be for, and which of its columns hold what, where nobody says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from zoo.data.columns import likely_kind
from zoo.data.example import UNKNOWN, Columns
from zoo.data.formats import class_folders
from zoo.data.rows import Row
from zoo.data.table import Table
from zoo.kinds import INPUT_KINDS
from zoo.kinds.kind import is_empty
from zoo.tasks import BUILT_IN, get_task
from zoo.tasks.task import Task

SAMPLED_ROWS = 200
"""First rows of a table that a guess is made from."""


def likely_task(path: str | Path, named: Iterable[str] = ()) -> Task:
    """Classification: of images for a folder, or a table with a usual column of images and none of texts.

    Args:
        path: the data.
        named: the columns of its inputs, where they are named.

    Raises:
        DatasetInvalid: it cannot be read.
        Unsupported: a package that reads this format is not installed.
    """
    kind = (class_folders.INPUT_KIND if Path(path).is_dir() else likely_kind(Table(path), named)) or INPUT_KINDS[0]
    return next(task for task in map(get_task, BUILT_IN) if task.input is kind and task.target)


def likely_columns(table: Table, task: Task, known: Columns = UNKNOWN) -> Columns:
    """The columns whose first rows look most like the inputs and labels of a task; empty where none does.

    Texts are the longest cells, images the names of image files; labels are short and occur again.

    Args:
        table: the data.
        task: what it is for.
        known: columns that are settled; only the others are looked for.

    Raises:
        DatasetInvalid: the table cannot be read.
    """
    rows = [row for row in islice(table.rows(table.columns), SAMPLED_ROWS) if isinstance(row, Row)]
    cells = {name: [row.values[name] for row in rows if not is_empty(row.values[name])] for name in table.columns}
    columns = {role: known[role] for role in task.roles if known.get(role)}
    for role, kind in task.roles.items():
        free = tuple(name for name in table.columns if name not in columns.values())
        if role not in columns and (best := _best(free, [kind.likeness(cells[name]) for name in free])):
            columns[role] = best
    return columns


def _best(columns: Sequence[str], likeness: Sequence[float]) -> str:
    """The column with the greatest likeness, the last of several; empty where none has any."""
    best = max(range(len(columns)), key=lambda i: (likeness[i], i), default=None)
    return columns[best] if best is not None and likeness[best] > 0 else ""
