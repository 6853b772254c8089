"""From the indices of a batch to its tensors on the device of the model: collated ahead, in order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch

from zoo.prefetch import prefetched
from zoo.training.batches import MicroBatch, epoch_batches, shares
from zoo.training.examples import Examples
from zoo.training.objective import Batch
from zoo.training.setup import TrainingSetup

WeightedBatch = tuple[Batch, torch.Tensor]
"""A batch, and the weight of each of its examples."""


@dataclass(frozen=True)
class MicroBatchRequest:
    """A micro-batch to be collated."""

    examples: Examples
    part: MicroBatch
    epoch: int


def collated(setup: TrainingSetup, requests: Iterable[MicroBatchRequest]) -> Generator[WeightedBatch, None, None]:
    """Collate micro-batches, ahead of their use where the objective wants it."""
    threads = setup.objective.collate_threads
    return prefetched(
        lambda request: request.examples.collate(request.part, epoch=request.epoch),
        requests,
        threads=threads,
        ahead=2 * threads,
    )


def placed(weighted: WeightedBatch, device: torch.device) -> WeightedBatch:
    """A batch on the device of the model."""
    batch, weights = weighted
    return {name: tensor.to(device) for name, tensor in batch.items()}, weights.to(device)


class TrainingBatches:
    """The batches of all steps of a training."""

    def __init__(self, setup: TrainingSetup, examples: Examples) -> None:
        self._setup, self._examples = setup, examples
        self._batches_of_epoch = lru_cache(maxsize=2)(self._epoch_batches)

    def batch(self, step: int) -> list[int]:
        """Indices of the examples of a 1-based step."""
        epoch, position = divmod(step - 1, self._setup.plan.steps_per_epoch)
        return self._batches_of_epoch(epoch)[position]

    def parts(self, batch: list[int]) -> list[MicroBatch]:
        """What this process computes of a batch."""
        plan, run = self._setup.plan, self._setup.run
        return shares(batch, plan.micro_batch_size, rank=run.rank, world_size=run.world_size)

    def collated_from(self, first: int) -> Generator[WeightedBatch, None, None]:
        """The micro-batches of a 1-based step and all that follow."""
        return collated(self._setup, self._requests(first))

    def _requests(self, first: int) -> Iterator[MicroBatchRequest]:
        plan = self._setup.plan
        for step in range(first, plan.steps + 1):
            for part in self.parts(self.batch(step)):
                yield MicroBatchRequest(self._examples, part, (step - 1) // plan.steps_per_epoch)

    def _epoch_batches(self, epoch: int) -> list[list[int]]:
        setup = self._setup
        return epoch_batches(self._examples.lengths, setup.plan.batch_size, seed=setup.options.seed, epoch=epoch)
