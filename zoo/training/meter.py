"""Step events, throttled: often enough to watch, seldom enough to cost nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from zoo.runs.events import StepCompleted
from zoo.runs.source_facts import SourceStep
from zoo.training.device_memory import used_bytes
from zoo.training.plan import Plan

if TYPE_CHECKING:
    from zoo.training.optimizer_step import SourceLoss

INTERVAL_S = 0.5
"""Least time between two step events."""


class Meter:
    """Adds up losses and examples and reports them now and then.

    Args:
        plan: of the training.
        sources: their names.
        emit: takes the reports.
        device: that computes.
        spent: epsilon of a private training after a step; None where it is not private.
    """

    def __init__(
        self,
        plan: Plan,
        sources: Sequence[str],
        emit: Callable[[StepCompleted], None],
        device: torch.device,
        spent: Callable[[int], float] | None = None,
    ) -> None:
        self._plan, self._names = plan, sources
        self._emit = emit
        self._device = device
        self._spent = spent
        self._losses = [_Mean() for _ in sources]
        self._examples = 0
        self._busy_s = self._since = 0.0
        self._last_emit = 0.0

    def start(self) -> None:
        """Time counts from now on: that of steps, and not that of evaluations and checkpoints in between."""
        self._since = time.perf_counter()

    def stop(self) -> None:
        """Count the time since the start, or since this was last called."""
        now = time.perf_counter()
        self._busy_s += now - self._since
        self._since = now

    def record(self, step: int, losses: Sequence[SourceLoss], *, lr: float, grad_norm: float) -> None:
        """Account for one optimizer step, whose numbers are floats by now."""
        self.stop()
        for loss in losses:
            self._losses[loss.source].add(float(loss.loss_sum), float(loss.weight_sum))
            self._examples += loss.examples
        now = time.monotonic()
        if now - self._last_emit < INTERVAL_S and step != self._plan.steps:
            return
        self._emit(
            StepCompleted(
                step=step,
                steps=self._plan.steps,
                epoch=self._plan.epoch_of(step),
                loss=self._loss(),
                lr=lr,
                grad_norm=grad_norm,
                samples_per_s=self._examples / self._busy_s if self._busy_s else 0.0,
                memory_bytes=used_bytes(self._device),
                sources=self._of_sources(step),
                epsilon=self._spent(step) if self._spent else None,
            )
        )
        self._losses = [_Mean() for _ in self._names]
        self._busy_s = 0.0
        self._examples = 0
        self._last_emit = now

    def _loss(self) -> float:
        """Mean over the sources that were learnt from."""
        values = [loss.value for loss in self._losses if loss.weight_sum]
        return sum(values) / len(values) if values else 0.0

    def _of_sources(self, step: int) -> tuple[SourceStep, ...]:
        """Of several sources, each apart."""
        if len(self._names) == 1:
            return ()
        return tuple(
            SourceStep(name, epoch, loss.value if loss.weight_sum else None)
            for name, loss, epoch in zip(self._names, self._losses, self._plan.source_epochs(step), strict=True)
        )


class _Mean:
    """A weighted mean that grows."""

    def __init__(self) -> None:
        self.loss_sum = self.weight_sum = 0.0

    def add(self, loss_sum: float, weight_sum: float) -> None:
        self.loss_sum += loss_sum
        self.weight_sum += weight_sum

    @property
    def value(self) -> float:
        return self.loss_sum / self.weight_sum
