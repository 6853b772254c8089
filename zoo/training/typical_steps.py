"""Which few steps stand for all of a training: of each kind, and from the cheapest to the dearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from zoo.training.batches import MicroBatch
from zoo.training.examples import Examples
from zoo.training.loader import SourceBatch, TrainingBatches
from zoo.training.setup import TrainingSetup

SAMPLED = 200
"""Steps whose costs are looked at, at even distances."""
CHOSEN = 8
"""Steps that stand for them."""
GOLDEN = 0.618034
"""Multiples of it, without their whole part, are spread evenly however many there are."""


class TypicalStep(NamedTuple):
    """A step of the training."""

    number: int
    """1-based."""
    kind: tuple[int, ...]
    """The sources that it learns from."""
    share: float
    """Of all steps that are of its kind."""


def typical_steps(setup: TrainingSetup, batches: TrainingBatches, train_sets: Sequence[Examples]) -> list[TypicalStep]:
    """Some of each kind at even distances in the order of their costs; the first few stand for all, too."""
    numbers = sampled_steps(setup.plan.steps)
    kinds: dict[tuple[int, ...], list[tuple[float, int]]] = {}
    for number in numbers:
        of_sources = batches.of(number)
        cost = sum(_cost(batches.parts(batch), train_sets[batch.source]) for batch in of_sources)
        kinds.setdefault(tuple(batch.source for batch in of_sources), []).append((cost, number))
    chosen: list[tuple[int, TypicalStep]] = []
    for kind, costs in kinds.items():
        costs.sort()
        share = len(costs) / len(numbers)
        some = min(len(costs), max(2, round(CHOSEN * share)))
        for turn, place in enumerate(_spread(some)):
            number = costs[int((place + 0.5) / some * len(costs))][1]
            chosen.append((turn, TypicalStep(number, kind, share)))
    return [step for _, step in sorted(chosen, key=lambda one: one[0])]


def sampled_steps(steps: int, most: int = SAMPLED) -> list[int]:
    """Numbers of as many steps, at even distances."""
    some = min(steps, most)
    return [1 + i * steps // some for i in range(some)]


def mean_of_all(steps: Iterable[TypicalStep], figures: Mapping[int, float]) -> float:
    """The mean over all steps of a training, by figures of some typical ones, which have their numbers."""
    kinds: dict[tuple[int, ...], tuple[float, list[float]]] = {}
    for step in steps:
        if step.number in figures:
            kinds.setdefault(step.kind, (step.share, []))[1].append(figures[step.number])
    whole = sum(share for share, _ in kinds.values())
    return sum(share * sum(values) / len(values) for share, values in kinds.values()) / whole if whole else 0.0


class ChosenBatches(TrainingBatches):
    """The batches of some steps of a training, which come again and again in the place of its first ones.

    Args:
        setup: of the training.
        examples: of each source.
        batches: of all steps.
        numbers: of those that were chosen.
    """

    def __init__(
        self, setup: TrainingSetup, examples: Sequence[Examples], batches: TrainingBatches, numbers: Sequence[int]
    ) -> None:
        super().__init__(setup, examples)
        self._batches, self._numbers = batches, numbers
        self.micro_batch_sizes = batches.micro_batch_sizes

    def of(self, step: int) -> list[SourceBatch]:
        """What the chosen step in that place learns from."""
        return self._batches.of(self._numbers[(step - 1) % len(self._numbers)])

    def parts(self, batch: SourceBatch) -> list[MicroBatch]:
        """As in the training itself."""
        return self._batches.parts(batch)

    def following(self, first: int) -> Iterator[int]:
        """All steps from one on, without an end."""
        return count(first)


def _cost(parts: Iterable[MicroBatch], examples: Examples) -> float:
    """Of micro-batches, which are filled up to the length of their longest example."""
    lengths = examples.lengths
    return sum(len(part.indices) * max(lengths[i] for i in part.indices) for part in parts if part.indices)


def _spread(places: int) -> list[int]:
    """Places in an order whose beginning is spread over them, from the middle on."""
    return sorted(range(places), key=lambda i: (i - places // 2) * GOLDEN % 1)
