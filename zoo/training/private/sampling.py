"""Which rows a step of a private training learns from: each with the same probability, drawn anew in every step.

What sampling adds to the privacy holds for Poisson sampling (Mironov et al. 2019, arXiv:1908.10530), not for going
through shuffled data. A step may have many rows or none; none is a step, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.training.batches import MicroBatch
from zoo.training.examples import Examples
from zoo.training.loader import SourceBatch, TrainingBatches
from zoo.training.private.plan import Private
from zoo.training.private.trial import find_way
from zoo.training.setup import TrainingSetup


class PrivateBatches(TrainingBatches):
    """Batches of units that are drawn with the run's secret.

    Args:
        setup: of the training, which has one source.
        examples: what is learnt.
        private: how.
        micro_batch_sizes: as `TrainingBatches` takes them.
    """

    def __init__(
        self, setup: TrainingSetup, examples: Examples, private: Private, micro_batch_sizes: Sequence[int] = ()
    ) -> None:
        super().__init__(setup, [examples], micro_batch_sizes)
        self._private = private
        self._lengths = np.asarray(examples.lengths)

    def of(self, step: int) -> list[SourceBatch]:
        """What a 1-based step learns from: features of the units that were drawn, those of like length together."""
        private = self._private
        drawn = np.flatnonzero(private.secret.uniform(len(private.units), "rows", step) < private.sample_rate).tolist()
        units = [self._bounded(private.units[i], step) for i in drawn]
        units.sort(key=lambda unit: -int(self._lengths[unit[0]]))
        indices = [index for unit in units for index in unit]
        return [SourceBatch(0, indices, step - 1)]

    def _bounded(self, unit: Sequence[int], step: int) -> list[int]:
        """Of a unit of many examples as many as are computed at once, others in each step."""
        size = self.micro_batch_sizes[0]
        if len(unit) <= size:
            return list(unit)
        order = np.argsort(self._private.secret.uniform(len(unit), "examples", step, unit[0]))
        return [unit[i] for i in sorted(order[:size].tolist())]

    def parts(self, batch: SourceBatch) -> list[MicroBatch]:
        """The micro-batches: of many units that are one example each, or of one unit."""
        size = self.micro_batch_sizes[0]
        if self._private.together:
            cuts = [batch.indices[i : i + size] for i in range(0, len(batch.indices), size)]
        else:
            cuts = list(self._private.each_unit(batch.indices))
        return [MicroBatch(cut, len(cut)) for cut in cuts]


def training_batches(
    setup: TrainingSetup, examples: Sequence[Examples], micro_batch_sizes: Sequence[int] = ()
) -> TrainingBatches:
    """The batches of a training, private or not; arguments as those of `TrainingBatches`."""
    if setup.private is None:
        return TrainingBatches(setup, examples, micro_batch_sizes)
    if setup.private.together is None:
        find_way(setup, examples[0], setup.private)
    if not micro_batch_sizes and setup.private.by_layers:
        micro_batch_sizes = (setup.private.by_layers,)
    return PrivateBatches(setup, examples[0], setup.private, micro_batch_sizes)
