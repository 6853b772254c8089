"""What a body knows of a task before it is trained: it is asked once about each example, then nearest neighbours and a
linear head on its vectors answer rows that they have not seen.

k nearest neighbours rank bodies better than scores made for that (arXiv:2503.18528); a linear probe is what a head on a
frozen body comes to (Alain and Bengio 2016, arXiv:1610.01644).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from zoo.answers import Prediction
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.portions import Portions
from zoo.training.body import Network
from zoo.training.examples import encode
from zoo.training.frozen import ReducedExamples, reduce
from zoo.training.objectives.pooled import LABELS, POOLED, PooledObjective
from zoo.training.parallel import make_accelerator

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

NEIGHBOURS = 10
"""That answer together."""
STRENGTH = 10.0
"""Inverse of that of the L2 regularisation, of vectors of length about 1."""
MOST_STEPS = 200
"""Of the optimizer."""


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


def vectors_of(trainable: Any, run: TrainingRun, examples: Sequence[Example]) -> Vectors | None:
    """Ask a body about examples, once.

    Args:
        trainable: what the plugin learns the task by.
        run: says where; whatever else it says of rows is nothing here.
        examples: that it is asked about.

    Returns:
        None where it makes no single vector of an input, where all of them would take too much memory, or where a stop
        was asked for.
    """
    if not isinstance(trainable, PooledObjective):
        return None
    accelerator = make_accelerator(run)
    encoded = encode(trainable, examples, run.options, set_aside=run.set_aside)
    trainable.module.to(accelerator.device)
    portions = Portions(trainable.evaluation_batch_size)
    reduced = reduce(trainable, encoded, accelerator, run.should_stop, portions)
    trainable.module.to("cpu")
    if not isinstance(reduced, ReducedExamples):
        return None
    return Vectors(tuple(encoded.examples), reduced.batch[POOLED].float(), reduced.batch[LABELS])


def out_of_fold(objective: PooledObjective, known: Vectors, folds: int, check: Callable[[], None]) -> ProbeAnswers:
    """Let neighbours and a linear head answer each row by those of the other folds; equal inputs are of one fold.

    Args:
        objective: has the loss, and says what outputs mean.
        known: the rows.
        folds: how many there are.
        check: called before each; may raise.
    """
    of_rows = torch.tensor([int.from_bytes(input_key(one)[:8]) % folds for one in known.examples])
    linear: dict[int, Prediction] = {}
    near: dict[int, Prediction] = {}
    for fold in range(folds):
        check()
        asked = (of_rows == fold).nonzero()[:, 0]
        learnt = (of_rows != fold).nonzero()[:, 0]
        if not len(asked) or not len(learnt):
            continue
        first, second = _scaled(known.vectors[learnt], known.vectors[asked])
        answers = linear_answers(objective, first, known.targets[learnt], second)
        linear |= dict(zip(asked.tolist(), answers, strict=True))
        outputs = _neighbours(objective, known, learnt, asked)
        if outputs is not None:
            near |= dict(zip(asked.tolist(), _answers(objective, outputs), strict=True))
    return ProbeAnswers(
        *([(known.examples[row].target, of[row]) for row in sorted(of)] for of in (linear, near)),
    )


def plain_answers(
    objective: PooledObjective, vectors: Any, examples: Sequence[Example], asked: Any
) -> list[Prediction]:
    """What a linear model says of inputs that no network has seen.

    Args:
        objective: has the loss, and says what outputs mean.
        vectors: of rows to learn from, an array of float32 of shape (rows, numbers).
        examples: these rows.
        asked: of others.
    """
    targets = torch.tensor([objective.target(example) for example in examples])
    return linear_answers(objective, torch.from_numpy(vectors), targets, torch.from_numpy(asked))


def linear_answers(
    objective: PooledObjective, vectors: torch.Tensor, targets: torch.Tensor, asked: torch.Tensor
) -> list[Prediction]:
    """What a linear head says of vectors, once it has learnt others by the loss of an objective.

    Args:
        objective: has the loss, and says what outputs mean.
        vectors: to learn from, shape (rows, numbers).
        targets: of these, shape (rows, ...).
        asked: shape (other rows, numbers).
    """
    head = nn.Linear(vectors.shape[1], objective.head_config.outputs)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    network = Network(nn.Identity(), head, lambda module, batch: batch[POOLED])
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=MOST_STEPS, line_search_fn="strong_wolfe")
    batch = {POOLED: vectors, LABELS: targets}

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        penalty = head.weight.square().sum() / (2 * STRENGTH * len(vectors))
        loss = objective.losses(network, batch).losses.mean() + penalty
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return _answers(objective, head(asked).float())


def _answers(objective: PooledObjective, outputs: torch.Tensor) -> list[Prediction]:
    return objective.answers(outputs, objective.head_config, None)


def _neighbours(
    objective: PooledObjective, known: Vectors, learnt: torch.Tensor, asked: torch.Tensor
) -> torch.Tensor | None:
    """What the nearest rows, by the cosine, say together."""
    unit = nn.functional.normalize(known.vectors, dim=-1)
    likeness = unit[asked] @ unit[learnt].T
    nearest = likeness.topk(min(NEIGHBOURS, len(learnt))).indices
    return objective.outputs_of(known.targets[learnt][nearest], objective.head_config)


def _scaled(learnt: torch.Tensor, asked: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """With mean 0 and the same spread in each direction as the first have, and of length about 1."""
    mean, spread = learnt.mean(0), learnt.std(0, correction=0)
    scale = torch.where(spread > 0, spread, 1) * learnt.shape[1] ** 0.5
    return (learnt - mean) / scale, (asked - mean) / scale
