"""From options that may say `auto` to numbers: how long, how large, how fast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from zoo.errors import OptionInvalid
from zoo.hyperparameters import USUAL_MIXING, MixingOptions, TrainingOptions
from zoo.kinds.label import canonical
from zoo.kinds.spelling import distinct_names, quoted
from zoo.tasks.options import weights_by_class
from zoo.training.objective import Objective
from zoo.training.turns import InTurn, Together, Turns, sampling_shares

SMALL = 1_000
"""Rows below which batches are smaller: a small set has too few optimizer steps otherwise."""
MAX_AUTO_EPOCHS = 40
COUNTED_STEPS = 1_000
"""Steps over which the mean size of a batch is taken."""


SHARED = 0.75
"""Of the steps that several sources take alone: as many they take together where their number is left to the engine.
What they share is learnt once."""


class Demand(NamedTuple):
    """What is to be learnt of a source."""

    rows: int
    """To train on."""
    objective: Objective[Any]
    """It knows how many steps it needs to get anywhere."""


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """What the engine will do with one source."""

    rows: int
    batch_size: int
    """Of its examples, in a step that learns from it."""
    micro_batch_size: int
    """Examples one process computes at once."""
    share: float
    """Of the mean loss of its batch in the loss of a step, before the weight of the source."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches that go through it once."""
        return math.ceil(self.rows / self.batch_size)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the engine will do."""

    sources: tuple[SourcePlan, ...]
    turns: Turns
    steps_per_epoch: int
    """Steps in which as many examples are learnt from as there are rows."""
    steps: int
    """Optimizer steps."""
    lr: float
    """Peak learning rate."""
    eval_steps: int

    @property
    def batch_size(self) -> int:
        """Examples of a step; their mean where it differs from source to source."""
        steps = min(self.steps, COUNTED_STEPS)
        counts = self.turns.batches(steps)
        return round(sum(n * source.batch_size for n, source in zip(counts, self.sources, strict=True)) / steps)

    @property
    def micro_batch_size(self) -> int:
        """Most examples one process computes at once."""
        return max(source.micro_batch_size for source in self.sources)

    @property
    def epochs(self) -> float:
        """Passes over the training data."""
        return self.steps / self.steps_per_epoch

    def epoch_of(self, step: int) -> float:
        """Passes done after a number of steps."""
        return step / self.steps_per_epoch

    def source_epochs(self, step: int) -> list[float]:
        """Passes over each source after a number of steps."""
        counts = self.turns.batches(step)
        return [n / source.steps_per_epoch for n, source in zip(counts, self.sources, strict=True)]


def make_plan(
    options: TrainingOptions,
    demands: Sequence[Demand],
    *,
    lr: float,
    world_size: int,
    mixing: MixingOptions = USUAL_MIXING,
) -> Plan:
    """Settle what was left to choose.

    A small set is passed over more often: auto takes as many epochs as give the objective's `auto_steps` optimizer
    steps, at least its `min_epochs`, at most 40. Several sources get three quarters of the steps that each would take.

    Args:
        options: as asked for.
        demands: of each source.
        lr: peak learning rate where none is asked for.
        world_size: processes that share a batch.
        mixing: how several sources are mixed.

    Raises:
        OptionInvalid: options contradict each other.
    """
    together = len(demands) > 1 and mixing.mixing == "together"
    shares = sampling_shares([demand.rows for demand in demands], mixing)
    whole = [_batch_size(options, demand) for demand in demands]
    sizes = _parts_of_batch(max(_usual_batch(options, one) for one in demands), shares, demands) if together else whole
    sources = tuple(
        SourcePlan(
            rows=demand.rows,
            batch_size=size,
            micro_batch_size=min(
                options.micro_batch_size or demand.objective.micro_batch_size, math.ceil(size / world_size)
            ),
            share=size / sum(sizes) if together else 1.0,
        )
        for demand, size in zip(demands, sizes, strict=True)
    )
    per_epoch = [math.ceil(demand.rows / size) for demand, size in zip(demands, whole, strict=True)]
    if together:
        per_epoch = [math.ceil(sum(demand.rows for demand in demands) / sum(sizes))]
    steps_per_epoch = sum(per_epoch)
    steps = _steps(options, demands, whole, steps_per_epoch)
    turns: Turns = Together(len(demands))
    if len(demands) > 1 and not together:
        rows = [demand.rows for demand in demands]
        turns = InTurn(lambda step: sampling_shares(rows, mixing, (step - 1) / max(1, steps - 1)))
    return Plan(
        sources=sources,
        turns=turns,
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        lr=options.lr or lr,
        eval_steps=options.eval_steps or steps_per_epoch,
    )


def _usual_batch(options: TrainingOptions, demand: Demand) -> int:
    """Examples of a step, if there are as many."""
    return options.batch_size or demand.objective.batch_size or (16 if demand.rows < SMALL else 32)


def _batch_size(options: TrainingOptions, demand: Demand) -> int:
    """Of a step that learns from one source alone."""
    size = min(_usual_batch(options, demand), demand.rows)
    if options.micro_batch_size is not None and options.micro_batch_size > size:
        raise OptionInvalid(
            f"--micro-batch-size is {options.micro_batch_size}, more than a batch of {size} holds",
            "make it smaller, or --batch-size larger",
        )
    return size


def _parts_of_batch(size: int, shares: Sequence[float], demands: Sequence[Demand]) -> list[int]:
    """How many examples of each source stand in a batch of all of them: at least one, at most all there are."""
    return [min(demand.rows, max(1, round(share * size))) for share, demand in zip(shares, demands, strict=True)]


def _steps(options: TrainingOptions, demands: Sequence[Demand], sizes: Sequence[int], steps_per_epoch: int) -> int:
    """Optimizer steps of the whole run."""
    if options.epochs:
        steps = max(1, math.ceil(options.epochs * steps_per_epoch - 1e-9))
        return steps if options.max_steps is None else min(steps, options.max_steps)
    if options.max_steps is not None:
        return options.max_steps
    alone = 0
    for demand, size in zip(demands, sizes, strict=True):
        per_epoch = math.ceil(demand.rows / size)
        epochs = max(demand.objective.min_epochs, math.ceil(demand.objective.auto_steps / per_epoch))
        alone += min(MAX_AUTO_EPOCHS, epochs) * per_epoch
    return alone if len(demands) == 1 else math.ceil(SHARED * alone)


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
