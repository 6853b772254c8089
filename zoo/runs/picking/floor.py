"""What every network has to be better than: a linear model of what is plainly seen of inputs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import NamedTuple

from zoo.answers import Prediction
from zoo.errors import Unsupported
from zoo.runs.picking.entrant import Entrant
from zoo.runs.picking.rows import PickRows
from zoo.tasks.task import Task

FLOOR = "floor"
"""Name of it among the models."""


class Floor(NamedTuple):
    """What a linear model answers."""

    validation: list[Prediction]
    test: list[Prediction]


def floor_of(entrants: Sequence[Entrant], task: Task, rows: PickRows) -> Floor | None:
    """Learn all rows by what is plainly seen of them, and answer the others.

    Args:
        entrants: of which one lends the loss of the task, and says what outputs mean.
        task: that is learnt.
        rows: of the run.

    Returns:
        None where nothing is plainly seen of such inputs, or the task is not learnt of one vector of an input.
    """
    if not task.input.plainly or not _is_of_one_vector(task):
        return None
    validation, test = rows.data.eval, rows.test
    learnt = [one.input for one in rows.data.train]
    vectors = task.input.plain_vectors(learnt, [one.input for one in (*validation, *test)])
    if vectors is None:
        return None
    for entrant in entrants:
        answers = entrant.plain_answers(*vectors)
        if answers is not None:
            return Floor(answers[: len(validation)], answers[len(validation) :])
    return None


def _is_of_one_vector(task: Task) -> bool:
    """Whether a task is learnt of one vector of an input."""
    try:
        importlib.import_module("zoo.training.objectives").pooled_objective(task)
    except Unsupported:
        return False
    return True
