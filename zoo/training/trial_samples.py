"""A few examples that stand for a data set, where something is asked of all of them at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from zoo.training.batches import MicroBatch, evaluation_batches
from zoo.training.examples import Examples
from zoo.training.objective import Batch

BATCHES = 4
"""Batches that are asked about, beside one that comes first."""
LONG_S = 5.0
"""A batch that takes so long is the only one."""


@dataclass(frozen=True)
class SomeExamples:
    """Examples of a data set that were chosen, or that come again and again until there are as many as it has."""

    examples: Examples
    indices: Sequence[int]

    @property
    def lengths(self) -> list[int]:
        """Cost of each."""
        of_all = self.examples.lengths
        return [of_all[i] for i in self.indices]

    @property
    def weights(self) -> list[float]:
        """Of each in the loss."""
        of_all = self.examples.weights
        return [of_all[i] for i in self.indices]

    def __len__(self) -> int:
        return len(self.indices)

    def collate(self, part: MicroBatch, *, epoch: int) -> tuple[Batch, torch.Tensor]:
        """As the whole data set does."""
        return self.examples.collate(MicroBatch([self.indices[i] for i in part.indices], part.count), epoch=epoch)


def seconds_for_all(
    ask: Callable[[Examples], object], examples: Examples, size: int, is_long: Callable[[float], bool]
) -> float:
    """What it takes to ask about all examples, by what it takes for a batch, and for some.

    Args:
        ask: about examples.
        examples: all of them.
        size: examples asked about at once.
        is_long: whether a batch takes too long to ask about more; of several processes the same in each.
    """
    if not len(examples):
        return 0.0
    batches = evaluation_batches(examples.lengths, size)
    middle = batches[len(batches) // 2]
    one_s, cost, whole = _seconds(ask, examples, middle), _cost([middle], examples), _cost(batches, examples)
    if is_long(one_s):
        return one_s * whole / cost
    one_s = _seconds(ask, examples, middle)  # what is made at the first time is no part of it
    if len(batches) == 1:
        return one_s
    if is_long(one_s):
        return one_s * whole / cost
    some = [batches[round((i + 0.5) / BATCHES * len(batches) - 0.5)] for i in range(BATCHES)]
    some = batches if len(batches) <= BATCHES else some
    some_s, of_some = _seconds(ask, examples, [i for batch in some for i in batch]), _cost(some, examples)
    rate = (some_s - one_s) / (of_some - cost) if of_some > cost else 0.0
    return some_s + rate * (whole - of_some) if rate > 0 else some_s * whole / of_some


def _seconds(ask: Callable[[Examples], object], examples: Examples, indices: Sequence[int]) -> float:
    began = time.perf_counter()
    ask(SomeExamples(examples, indices))
    return time.perf_counter() - began


def _cost(batches: Sequence[Sequence[int]], examples: Examples) -> float:
    """Of batches, which are filled up to the length of their longest example."""
    lengths = examples.lengths
    return float(sum(len(batch) * max(1, *(lengths[i] for i in batch)) for batch in batches))
