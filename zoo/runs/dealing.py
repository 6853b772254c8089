"""The rows of a run dealt to folds; the run says which of them are kept together."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.data import Dataset
from zoo.data.example import Example
from zoo.data.folds import fold_numbers
from zoo.data.groups import group_column, group_keys
from zoo.runs.attempt import Worker
from zoo.runs.events import Noted, Warned
from zoo.sanitize import one_line
from zoo.tasks.task import Task


def dealt(
    worker: Worker, task: Task, dataset: Dataset, rows: Sequence[Example], count: int, seed: int = 0
) -> list[int]:
    """The fold of each row: each label in the same share, and rows that belong together in one.

    Args:
        worker: of the run.
        task: that the rows are for.
        dataset: that they are of.
        rows: to deal.
        count: of the folds.
        seed: of the choice.
    """
    keys, column = group_keys(dataset, rows), group_column(dataset, task.input)
    grouped = group_keys(dataset, rows, column)
    groups = len(set(grouped)) if grouped != keys else 0
    if groups >= count:
        keys = grouped
        worker.emit(Noted(message=f"rows with the same {one_line(column)} are in the same fold"))
    elif groups > 1:
        few = f"it tells {groups} groups apart, and there are {count} folds"
        worker.emit(Warned(message=f"rows with the same {one_line(column)} are in several folds: {few}"))
    strata = task.target.strata([row.target for row in rows]) if task.target else [None] * len(rows)
    return fold_numbers(keys, strata, count, seed)
