"""What every network has to be better than: a linear model of what is plainly seen of inputs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.answers import Prediction
from zoo.data.example import Example
from zoo.encoding import encode_json
from zoo.errors import Unsupported
from zoo.runs.picking.rows import PickRows
from zoo.runs.shrinking.measuring import check_stop
from zoo.tasks.task import Task

MOST_LEARNT = 20_000
"""Rows that it learns from: what is seen of a text takes 20 kB."""
PART = 2_000
"""Rows that are answered at once."""


class Floor(msgspec.Struct, frozen=True):
    """What a linear model answers."""

    validation: list[Any]
    test: list[Any]


class FloorMaker:
    """Makes the floor of a run, or reads that of an earlier attempt.

    Args:
        task: that is learnt.
        rows: of the run.
        path: of the file that keeps it for an attempt to come.
        should_stop: whether somebody asked for it.
    """

    def __init__(self, task: Task, rows: PickRows, path: Path, should_stop: Callable[[], bool]) -> None:
        self._task, self._rows, self._path, self._should_stop = task, rows, path, should_stop

    @property
    def can(self) -> bool:
        """Whether something is plainly seen of such inputs, and the task is learnt of one vector of an input."""
        return bool(self._task.input.plainly) and _is_of_one_vector(self._task)

    def known(self) -> Floor | None:
        """What an earlier attempt has found."""
        if not self._path.exists():
            return None
        floor = msgspec.json.decode(self._path.read_bytes(), type=Floor)
        prediction = self._task.prediction
        return Floor(*([msgspec.convert(one, prediction) for one in of] for of in (floor.validation, floor.test)))

    def make(self, objective: Any) -> Floor | None:
        """Learn rows by what is plainly seen of them, and answer the others.

        Args:
            objective: of a model, which lends the loss of the task and says what outputs mean.

        Returns:
            None where nothing is plainly seen of such inputs.

        Raises:
            Stopped: somebody asked for it; RunCancelled likewise.
        """
        learnt = self._rows.data.train[:MOST_LEARNT]
        seen = self._task.input.plain_vectors(self._inputs(learnt))
        if seen is None:
            return None
        vectors, vectors_of = seen
        probing = importlib.import_module("zoo.training.probing")
        model = probing.PlainModel(objective, vectors, learnt, self._should_stop)

        def answers(examples: Sequence[Example]) -> list[Prediction]:
            parts = (examples[start : start + PART] for start in range(0, len(examples), PART))
            return [answer for part in parts for answer in model.answers(vectors_of(self._inputs(part)))]

        floor = Floor(answers(self._rows.data.eval), answers(self._rows.test))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(self._path, encode_json(floor))
        return floor

    def _inputs(self, examples: Sequence[Example]) -> Iterator[Any]:
        for example in examples:
            check_stop(self._should_stop)
            yield example.input


def _is_of_one_vector(task: Task) -> bool:
    """Whether a task is learnt of one vector of an input."""
    try:
        importlib.import_module("zoo.training.objectives").pooled_objective(task)
    except Unsupported:
        return False
    return True
