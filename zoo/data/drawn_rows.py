"""A few rows of a data set as they are drawn: pictures with their marks, recordings with what is said in them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from zoo.blocks import DrawnBlock
from zoo.data.example import Columns, Example
from zoo.data.loading import first_examples
from zoo.kinds.kind import TARGET
from zoo.tasks.task import Task

SAMPLED_ROWS = 40
"""The first rows, which those are chosen from that are drawn."""


def drawn_rows(path: str | Path, task: Task, columns: Columns, most: int) -> tuple[DrawnBlock, ...]:
    """Some of the first rows that are drawn, those with labels before those without; none of what is not drawn.

    Args:
        path: the data.
        task: what it is for.
        columns: its columns by role, as they were found.
        most: of them.

    Raises:
        DatasetInvalid: the data cannot be read.
    """
    if not task.input.from_files or not (task.input.is_always_drawn or (task.target and TARGET in columns)):
        return ()
    target = task.target
    examples = first_examples(path, task, columns, SAMPLED_ROWS)
    labelled = sorted(examples, key=lambda example: not (target and target.labels_of(example.target)))
    blocks = (_drawn_row(example, task) for example in labelled)
    return tuple(islice((block for block in blocks if block is not None), most))


def _drawn_row(example: Example, task: Task) -> DrawnBlock | None:
    """What the target marks on a picture; or the input itself under its target, where such inputs are always drawn."""
    if task.input.is_always_drawn:
        title = "" if example.target is None or task.target is None else task.target.written(example.target)
        return task.input.drawing_of(example.input, title)
    return task.target.on_picture(example.input, example.target) if task.target else None
