"""From options that may say `auto` to numbers: how long, how large, how fast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from zoo.errors import OptionInvalid
from zoo.hyperparameters import TrainingOptions
from zoo.kinds.label import canonical
from zoo.kinds.spelling import distinct_names, quoted
from zoo.tasks.options import weights_by_class
from zoo.training.objective import Objective

SMALL = 1_000
"""Rows below which batches are smaller: a small set has too few optimizer steps otherwise."""
MAX_AUTO_EPOCHS = 40


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the engine will do."""

    rows: int
    batch_size: int
    micro_batch_size: int
    """Examples one process computes at once."""
    steps_per_epoch: int
    steps: int
    """Optimizer steps."""
    lr: float
    """Peak learning rate."""
    eval_steps: int

    @property
    def epochs(self) -> float:
        """Passes over the training data."""
        return self.steps / self.steps_per_epoch

    def epoch_of(self, step: int) -> float:
        """Passes done after a number of steps."""
        return step / self.steps_per_epoch


def make_plan(options: TrainingOptions, *, rows: int, objective: Objective[Any], lr: float, world_size: int) -> Plan:
    """Settle what was left to choose.

    A small set is passed over more often: auto takes as many epochs as give the objective's `auto_steps` optimizer
    steps, at least its `min_epochs`, at most 40.

    Args:
        options: as asked for.
        rows: training examples.
        objective: what is trained; it knows how many steps it needs to get anywhere.
        lr: peak learning rate where none is asked for.
        world_size: processes that share a batch.

    Raises:
        OptionInvalid: options contradict each other.
    """
    batch_size = min(options.batch_size or objective.batch_size or (16 if rows < SMALL else 32), rows)
    steps_per_epoch = math.ceil(rows / batch_size)
    auto_epochs = max(objective.min_epochs, math.ceil(objective.auto_steps / steps_per_epoch))
    epochs = options.epochs or min(MAX_AUTO_EPOCHS, auto_epochs)
    steps = max(1, math.ceil(epochs * steps_per_epoch - 1e-9))
    if options.max_steps is not None:
        steps = options.max_steps if options.epochs is None else min(steps, options.max_steps)
    if options.micro_batch_size is not None and options.micro_batch_size > batch_size:
        raise OptionInvalid(
            f"--micro-batch-size is {options.micro_batch_size}, more than a batch of {batch_size} holds",
            "make it smaller, or --batch-size larger",
        )
    share = math.ceil(batch_size / world_size)
    return Plan(
        rows=rows,
        batch_size=batch_size,
        micro_batch_size=min(options.micro_batch_size or objective.micro_batch_size, share),
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        lr=options.lr or lr,
        eval_steps=options.eval_steps or steps_per_epoch,
    )


def learning_rate(step: int, *, plan: Plan, options: TrainingOptions) -> float:
    """Learning rate of a 1-based optimizer step: a linear rise, then the schedule's fall.

    The first step already moves (1 / warm-up steps of the peak) and the last one still does.
    """
    warmup_steps = math.ceil(options.warmup * plan.steps)
    if step <= warmup_steps:
        return plan.lr * step / warmup_steps
    share_left = (plan.steps - step + 1) / (plan.steps - warmup_steps)
    match options.schedule:
        case "linear":
            return plan.lr * share_left
        case "cosine":
            return plan.lr * 0.5 * (1 - math.cos(math.pi * share_left))
        case _:
            return plan.lr


def class_weights(choice: str, labels: tuple[str, ...], counts: list[int]) -> list[float]:
    """Weight of each class in the loss, one per label.

    `auto` is inverse frequency, total / (classes * count), as scikit-learn's `balanced`: the mean over examples is 1.

    Args:
        choice: auto or `name=weight,name=weight`.
        labels: names of the classes.
        counts: examples of each.

    Raises:
        OptionInvalid: a class is named that the data does not have.
    """
    if choice == "auto":
        present = sum(1 for count in counts if count)
        return [sum(counts) / (present * count) if count else 1.0 for count in counts]
    weights = dict.fromkeys(labels, 1.0)
    for name, weight in weights_by_class(choice):
        label = name if name in weights else canonical(name)
        if label not in weights:
            raise OptionInvalid(
                f"--class-weights names {quoted(name)}, which is no class of the data",
                f"classes here: {', '.join(distinct_names(labels).values())}",
            )
        weights[label] = weight
    return list(weights.values())
