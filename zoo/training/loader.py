"""From the indices of a batch to its tensors on the device of the model: collated ahead, in order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from zoo.prefetch import prefetched
from zoo.training.batches import MicroBatch, epoch_batches, shares
from zoo.training.company import few_of
from zoo.training.examples import Examples
from zoo.training.moving import WeightedBatch, moved, ready_to_move
from zoo.training.seeding import mix
from zoo.training.setup import TrainingSetup


@dataclass(frozen=True)
class MicroBatchRequest:
    """A micro-batch to be collated."""

    examples: Examples
    part: MicroBatch
    epoch: int


def collated(setup: TrainingSetup, requests: Iterable[MicroBatchRequest]) -> Generator[WeightedBatch, None, None]:
    """Collate micro-batches, and bring them to the device of the model.

    Where an objective wants it, and for every accelerator, this happens in threads, ahead of their use; an accelerator
    fetches them from memory that stays in its place, while it computes.
    """
    device = setup.accelerator.device
    threads = setup.collate_threads or (0 if device.type == "cpu" else 1)

    def collate(request: MicroBatchRequest) -> WeightedBatch:
        return ready_to_move(request.examples.collate(request.part, epoch=request.epoch), device)

    return moved(prefetched(collate, requests, threads=threads, ahead=2 * threads), device)


def collated_once(setup: TrainingSetup, examples: Examples, part: MicroBatch, epoch: int) -> WeightedBatch:
    """One micro-batch by itself, on the device of the model.

    Args:
        setup: of the training.
        examples: of a source.
        part: which of them.
        epoch: 0-based, or `EVALUATION`.
    """
    with closing(collated(setup, [MicroBatchRequest(examples, part, epoch)])) as batches:
        return next(batches)


class SourceBatch(NamedTuple):
    """What a step learns from one of its sources."""

    source: int
    indices: list[int]
    """Of its examples."""
    epoch: int
    """0-based: how often the source has been gone through."""


class TrainingBatches:
    """The batches of all steps of a training.

    Args:
        setup: of the training.
        examples: of each source.
        micro_batch_sizes: of each source; those of the plan where there are none.
    """

    def __init__(
        self, setup: TrainingSetup, examples: Sequence[Examples], micro_batch_sizes: Sequence[int] = ()
    ) -> None:
        self._setup, self._examples = setup, examples
        self.micro_batch_sizes = list(micro_batch_sizes or (plan.micro_batch_size for plan in setup.plan.sources))
        """Examples of each source that one process computes at once; what is collated from then on is cut so."""
        self._batches_of_epoch = lru_cache(maxsize=2 * len(examples))(self._epoch_batches)

    def of(self, step: int) -> list[SourceBatch]:
        """What a 1-based step learns from."""
        batches = []
        for source, number in self._setup.plan.turns(step):
            epoch, position = divmod(number - 1, self._setup.plan.sources[source].steps_per_epoch)
            batches.append(SourceBatch(source, self._batches_of_epoch(source, epoch)[position], epoch))
        return batches

    def parts(self, batch: SourceBatch) -> list[MicroBatch]:
        """What this process computes of a batch."""
        run, size = self._setup.run, self.micro_batch_sizes[batch.source]
        return shares(batch.indices, size, rank=run.rank, world_size=run.world_size)

    def few(self, batch: SourceBatch, part: MicroBatch) -> WeightedBatch:
        """A few examples of what this process computes at once."""
        examples = self._examples[batch.source]
        indices = few_of(part.indices, examples.lengths)
        return collated_once(self._setup, examples, MicroBatch(indices, len(indices)), batch.epoch)

    def following(self, first: int) -> Iterable[int]:
        """The numbers of a 1-based step and of all after it."""
        return range(first, self._setup.plan.steps + 1)

    def collated_from(self, first: int) -> Generator[WeightedBatch, None, None]:
        """The micro-batches of a 1-based step and all that follow."""
        return collated(self._setup, self._requests(first))

    def _requests(self, first: int) -> Iterator[MicroBatchRequest]:
        for step in self.following(first):
            for batch in self.of(step):
                for part in self.parts(batch):
                    yield MicroBatchRequest(self._examples[batch.source], part, batch.epoch)

    def _epoch_batches(self, source: int, epoch: int) -> list[list[int]]:
        setup = self._setup
        seed = mix(setup.options.seed, source) if source else setup.options.seed
        size = setup.plan.sources[source].batch_size
        return epoch_batches(self._examples[source].lengths, size, seed=seed, epoch=epoch)
