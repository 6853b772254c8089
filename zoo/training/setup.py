"""What a training consists of, once all is settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from torch import nn

from zoo.hyperparameters import TrainingOptions
from zoo.runs.context import TrainingRun
from zoo.training.company import together
from zoo.training.methods import Method
from zoo.training.plan import Plan
from zoo.training.source import Learner, NetworkOfSource, SharedNetwork, Source

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator

    from zoo.training.private.plan import Private

Result = TypeVar("Result")


@dataclass(frozen=True)
class TrainingSetup:
    """What is trained, by which method and plan, and where."""

    sources: tuple[Source, ...]
    learner: Learner
    run: TrainingRun
    accelerator: Accelerator
    method: Method
    plan: Plan
    private: Private | None = None
    """How, where it is to tell little of any row."""

    @property
    def collate_threads(self) -> int:
        """Threads that make batches ahead of the model."""
        return max(source.objective.collate_threads for source in self.sources)

    @property
    def is_sharded(self) -> bool:
        """Whether each process has a part of the network only: they all have to compute whatever one computes."""
        return self.run.shard and self.run.world_size > 1

    def passed(self, compute: Callable[[], Result], with_few: Callable[[], object]) -> Result:
        """What a pass through the network gives.

        Args:
            compute: goes through it, forward alone or backward, too.
            with_few: the same with a few examples, where processes that divide it cannot go through it with all.

        Raises:
            LackOfOne: one of these processes had too little memory, and all know it.
        """
        if not self.is_sharded:
            return compute()
        return together(self.learner.module, self.accelerator, compute, with_few)

    def network(self, source: int) -> nn.Module:
        """What the objective of a source is asked with, but for what several processes put around it."""
        if len(self.sources) == 1:
            return self.method.module
        if self.is_sharded and isinstance(self.learner.module, SharedNetwork):
            return NetworkOfSource(self.learner.module, source)
        return self.sources[source].objective.module

    @property
    def options(self) -> TrainingOptions:
        """Of the run."""
        options: TrainingOptions = self.run.options
        return options
