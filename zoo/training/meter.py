"""Step events, throttled: often enough to watch, seldom enough to cost nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from zoo.runs.events import StepCompleted
from zoo.training.plan import Plan

INTERVAL_S = 0.5
"""Least time between two step events."""


class Meter:
    """Adds up losses and examples and reports them now and then."""

    def __init__(self, plan: Plan, emit: Callable[[StepCompleted], None], device: torch.device) -> None:
        self._plan = plan
        self._emit = emit
        self._device = device
        self._loss_sum = 0.0
        self._weight_sum = 0.0
        self._examples = 0
        self._busy_s = 0.0
        self._last_emit = 0.0

    def record(
        self,
        step: int,
        *,
        loss_sum: float,
        weight_sum: float,
        examples: int,
        elapsed_s: float,
        lr: float,
        grad_norm: float,
    ) -> None:
        """Account for one optimizer step; evaluations and checkpoints in between do not count as time."""
        self._loss_sum += loss_sum
        self._weight_sum += weight_sum
        self._examples += examples
        self._busy_s += elapsed_s
        now = time.monotonic()
        if now - self._last_emit < INTERVAL_S and step != self._plan.steps:
            return
        self._emit(
            StepCompleted(
                step=step,
                steps=self._plan.steps,
                epoch=self._plan.epoch_of(step),
                loss=self._loss_sum / self._weight_sum if self._weight_sum else 0.0,
                lr=lr,
                grad_norm=grad_norm,
                samples_per_s=self._examples / self._busy_s if self._busy_s else 0.0,
                memory_bytes=_memory_in_use(self._device),
            )
        )
        self._loss_sum = self._weight_sum = self._busy_s = 0.0
        self._examples = 0
        self._last_emit = now


def _memory_in_use(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    import psutil

    return int(psutil.Process().memory_info().rss)
