"""What a body knows of a task before it is trained: it is asked once about each example, then nearest neighbours and a
linear head on its vectors answer rows that they have not seen.

k nearest neighbours rank bodies better than scores made for that (arXiv:2503.18528); a linear probe is what a head on a
frozen body comes to (Alain and Bengio 2016, arXiv:1610.01644).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from zoo.answers import Prediction
from zoo.data.example import Example
from zoo.data.folds import fold_numbers
from zoo.data.splitting import input_key
from zoo.tasks.task import Task
from zoo.training.body import Network
from zoo.training.linear_probe import Probe
from zoo.training.objectives.pooled import LABELS, POOLED, PooledObjective
from zoo.training.vectors import VectorReader

NEIGHBOURS = 10
"""That answer together."""
STRENGTH = 0.1
"""Of the decay of the weights of a model of vectors of length about 1, over the number of rows."""
PART = 512
"""Rows that are asked about between two looks at whether somebody asked for a stop."""


class Vectors(NamedTuple):
    """What a frozen body says of examples."""

    examples: tuple[Example, ...]
    """Those that it can read."""
    vectors: torch.Tensor
    """Float32, shape (examples, width), on the CPU."""
    targets: torch.Tensor
    """As the objective learns them, shape (examples, ...)."""


class ProbeAnswers(NamedTuple):
    """What the data say of rows, and what was answered by those of other folds."""

    linear: list[tuple[Any, Prediction]]
    neighbours: list[tuple[Any, Prediction]]
    """None where targets cannot be averaged."""


def vectors_of(
    objective: PooledObjective, device: str, model: str, examples: Sequence[Example], check: Callable[[], None]
) -> Vectors:
    """Ask a body about examples, once.

    Args:
        objective: has the body.
        device: where it computes.
        model: its name, for messages.
        examples: that it is asked about; those that it cannot read are left out.
        check: called between parts of them; may raise.
    """
    reader, parts = VectorReader(objective, device, model), []
    for start in range(0, len(examples), PART):
        check()
        parts.append(reader.read(examples[start : start + PART])[0])
    objective.module.to("cpu")
    vectors = torch.from_numpy(np.concatenate(parts))
    readable = ~vectors.isnan().any(1)
    known = tuple(one for one, is_readable in zip(examples, readable.tolist(), strict=True) if is_readable)
    return Vectors(known, vectors[readable], _targets(objective, known))


def out_of_fold(
    objective: PooledObjective, known: Vectors, folds: Sequence[int], should_stop: Callable[[], bool]
) -> ProbeAnswers:
    """Let neighbours and a linear head answer each row by those of the other folds.

    Args:
        objective: has the loss, and says what outputs mean.
        known: the rows.
        folds: number of the fold of each.
        should_stop: whether somebody asked for it.

    Raises:
        RunCancelled: somebody asked for it.
    """
    numbers = torch.tensor(folds)
    targets = [one.target for one in known.examples]
    linear = _probe(objective, should_stop).out_of_fold(known.vectors, known.targets, numbers)
    near = _neighbours(objective, known, numbers)
    return ProbeAnswers(
        list(zip(targets, _answers(objective, linear), strict=True)),
        [] if near is None else list(zip(targets, _answers(objective, near), strict=True)),
    )


def folds_of(task: Task, examples: Sequence[Example], count: int) -> list[int]:
    """The fold of each row: each label in the same share, and equal inputs in one.

    Args:
        task: of the rows.
        examples: the rows.
        count: of the folds.
    """
    targets = [one.target for one in examples]
    strata = task.target.strata(targets) if task.target else [None] * len(examples)
    return fold_numbers([input_key(one) for one in examples], strata, count)


class PlainModel:
    """A linear model of inputs that no network has seen.

    Args:
        objective: has the loss, and says what outputs mean.
        vectors: of rows to learn from, an array of float32 of shape (rows, numbers), each of length about 1.
        examples: these rows.
        should_stop: whether somebody asked for it.

    Raises:
        RunCancelled: somebody asked for it.
    """

    def __init__(
        self, objective: PooledObjective, vectors: Any, examples: Sequence[Example], should_stop: Callable[[], bool]
    ) -> None:
        self._objective = objective
        self._weight, self._bias = _probe(objective, should_stop).fitted(
            torch.from_numpy(vectors), _targets(objective, examples), STRENGTH / len(examples)
        )

    def answers(self, vectors: Any) -> list[Prediction]:
        """What it says of others, by their vectors."""
        return _answers(self._objective, functional.linear(torch.from_numpy(vectors), self._weight, self._bias))


def _targets(objective: PooledObjective, examples: Sequence[Example]) -> torch.Tensor:
    return torch.tensor([objective.target(example) for example in examples])


def _probe(objective: PooledObjective, should_stop: Callable[[], bool]) -> Probe:
    """A linear model that learns by the loss of an objective."""
    network = Network(nn.Identity(), nn.Identity(), lambda module, batch: batch[POOLED])

    def losses(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return objective.losses(network, {POOLED: outputs, LABELS: targets}).losses

    return Probe(objective.head_config.outputs, losses, should_stop)


def _answers(objective: PooledObjective, outputs: torch.Tensor) -> list[Prediction]:
    return objective.answers(outputs, objective.head_config, None)


def _neighbours(objective: PooledObjective, known: Vectors, folds: torch.Tensor) -> torch.Tensor | None:
    """What the nearest rows of other folds, by the cosine, say together of each row; None where they cannot."""
    unit = functional.normalize(known.vectors, dim=-1)
    parts = list(_nearest(unit, folds))
    outputs = [objective.outputs_of(known.targets[nearest], objective.head_config) for _, nearest in parts]
    if not outputs or any(one is None for one in outputs):
        return None
    joined = torch.cat([one for one in outputs if one is not None])
    return joined[torch.cat([rows for rows, _ in parts]).argsort()]


def _nearest(unit: torch.Tensor, folds: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Of each fold its rows, and the nearest rows of the others to each."""
    for fold in sorted(set(folds.tolist())):
        own, others = (folds == fold).nonzero()[:, 0], (folds != fold).nonzero()[:, 0]
        if len(others):
            nearest = (unit[own] @ unit[others].T).topk(min(NEIGHBOURS, len(others))).indices
            yield own, others[nearest]
