"""Steps that run out of memory: they are taken again, half as many examples at once from then on.

What is learnt is that of a run with the smaller micro-batch from that step on: the examples and the random draws of a
step are a function of its number, and what a step changes before its gradients are complete is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Self

import torch
from torch import nn

from zoo.errors import RunFailed
from zoo.memory import is_out_of_memory, release_memory
from zoo.runs.events import AnyEvent, MicroBatchHalved
from zoo.sanitize import one_line
from zoo.training.company import ELSEWHERE, LackOfOne
from zoo.training.loader import TrainingBatches
from zoo.training.moving import WeightedBatch
from zoo.training.parallel import in_any_rank
from zoo.training.setup import TrainingSetup

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator

    from zoo.training.optimizer_step import OptimizerSteps, StepTaken


class MemoryLack(Exception):
    """A micro-batch of a source does not fit into memory; raised in all processes of a run.

    Args:
        source: whose.
        reason: what was said.
    """

    def __init__(self, source: int, reason: str) -> None:
        super().__init__(reason)
        self.source, self.reason = source, reason


class MemoryCheck:
    """Sees to it that all processes know when one has too little memory for its part of a batch.

    Once `agree` has passed, the others rely on what this process computes: who runs out of memory then leaves them
    waiting, and the run fails with the error itself.

    Args:
        source: whose batch is computed within.
        accelerator: knows the other processes.
        together: whether they compute a network together, and know by that; see `zoo.training.company`.
    """

    def __init__(self, source: int, accelerator: Accelerator, *, together: bool) -> None:
        self._source, self._accelerator = source, accelerator
        self._agreed = together

    def __enter__(self) -> Self:
        return self

    def agree(self) -> None:
        """Make sure that all processes had enough so far; where gradients are brought together, before that."""
        if not self._agreed and self._accelerator.num_processes > 1:
            self._agreed = True
            if in_any_rank(False, self._accelerator):
                raise MemoryLack(self._source, ELSEWHERE)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.agree()
        elif isinstance(error, LackOfOne):
            raise MemoryLack(self._source, str(error)) from None
        elif is_out_of_memory(error) and not self._agreed:
            in_any_rank(True, self._accelerator)
            raise MemoryLack(self._source, one_line(str(error)) or type(error).__name__) from None


class FittingSteps:
    """Takes steps; one that runs out of memory is taken again, with smaller micro-batches.

    Args:
        setup: of the training.
        steps: takes each.
        batches: which examples each is made of.
        emit: is told.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        steps: OptimizerSteps,
        batches: TrainingBatches,
        emit: Callable[[AnyEvent], None],
    ) -> None:
        self._steps, self._batches, self._emit = steps, batches, emit
        self._names = [source.name for source in setup.sources]
        self._traces = Traces(setup.method.module)
        self._collated: Generator[WeightedBatch, None, None] | None = None

    def take(self, step: int) -> StepTaken:
        """Take a 1-based step, the one after that of the last call.

        Raises:
            RunFailed: not even one example fits, or the loss diverged.
        """
        self._traces.keep()
        while True:
            if self._collated is None:
                self._collated = self._batches.collated_from(step)
            try:
                return self._steps.take(step, self._batches, self._collated)
            except MemoryLack as lack:
                source, reason = lack.source, lack.reason
            # After the block, as the error keeps everything alive that was computed so far.
            self._make_room(step, source, reason)

    @property
    def micro_batch_sizes(self) -> tuple[int, ...]:
        """Examples of each source that are computed at once."""
        return tuple(self._batches.micro_batch_sizes)

    def close(self) -> None:
        """Let go of the batches that were made ahead."""
        if self._collated is not None:
            self._collated.close()
            self._collated = None

    def _make_room(self, step: int, source: int, reason: str) -> None:
        """Drop what the step has computed, and halve the micro-batch."""
        recorded = self._steps.drop()
        self._traces.put_back()
        self.close()
        release_memory()
        if recorded:
            return  # as many examples may have room now
        sizes = self._batches.micro_batch_sizes
        if sizes[source] == 1:
            raise RunFailed(
                f"step {step} runs out of memory with one example computed at once: {reason}",
                "use --activation-checkpointing, a smaller model, shorter or smaller examples, or a --method that "
                "trains less",
            )
        sizes[source] = -(-sizes[source] // 2)
        self._emit(
            MicroBatchHalved(step=step, micro_batch_size=sizes[source], reason=reason, source=self._names[source])
        )


class Traces:
    """What a forward pass leaves behind in a network beside gradients: in its buffers, as batch norms do.

    Args:
        module: that is trained; what it does not save is no such thing.
    """

    def __init__(self, module: nn.Module) -> None:
        saved = module.state_dict(keep_vars=True).values()
        self._buffers = [
            tensor for tensor in saved if isinstance(tensor, torch.Tensor) and not isinstance(tensor, nn.Parameter)
        ]
        self._kept: list[torch.Tensor] = []

    def keep(self) -> None:
        """Remember them as they are."""
        if not self._kept:
            self._kept = [buffer.clone() for buffer in self._buffers]
        elif self._buffers:
            torch._foreach_copy_(self._kept, self._buffers)

    def put_back(self) -> None:
        """Leave them as they were."""
        for buffer, kept in zip(self._buffers, self._kept, strict=True):
            buffer.copy_(kept)
