"""One optimizer step: the gradient of the mean loss of a batch, over all micro-batches and processes."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from zoo.errors import RunFailed
from zoo.runs.events import StepCompleted
from zoo.training.loader import TrainingBatches, WeightedBatch, placed
from zoo.training.meter import Meter
from zoo.training.objective import output_of
from zoo.training.optimizer import make_optimizer
from zoo.training.parallel import joined, sum_over_ranks
from zoo.training.plan import learning_rate
from zoo.training.seeding import mix, seed_all
from zoo.training.setup import TrainingSetup

CLIP_EPS = 1e-6
"""Keeps the quotient of limit and norm finite, as in `torch.nn.utils.clip_grad_norm_`."""
MAX_SKIPPED_STEPS = 5
"""Optimizer steps in a row without a finite gradient before the run fails."""
Emit = Callable[[StepCompleted], None]


@dataclass(frozen=True)
class StepResult:
    """What is known after a step."""

    loss_sum: float
    """Over the examples of the batch, weighted, over all processes."""
    weight_sum: float
    """What `loss_sum` is divided by for the mean: the number of examples, or the sum of the objective's own weights."""
    grad_norm: float
    stop_requested: bool


class OptimizerSteps:
    """Takes steps, with an optimizer whose moments live from one to the next."""

    def __init__(self, setup: TrainingSetup, emit: Emit) -> None:
        self._setup, self._accelerator = setup, setup.accelerator
        module = setup.method.module
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self.raw_optimizer = make_optimizer(module, setup.plan.lr, setup.options.weight_decay)
        self._module = joined(module, self._accelerator)
        self._optimizer = self._accelerator.prepare_optimizer(self.raw_optimizer, device_placement=False)
        self._meter = Meter(setup.plan, emit, self._accelerator.device)
        self._skipped = 0

    def take(self, step: int, batches: TrainingBatches, collated: Iterator[WeightedBatch]) -> StepResult:
        """Take a 1-based step.

        Args:
            step: which one.
            batches: which examples each step is made of.
            collated: gives their micro-batches next.
        """
        started = time.perf_counter()
        setup = self._setup
        lr = learning_rate(step, plan=setup.plan, options=setup.options)
        for group in self.raw_optimizer.param_groups:
            group["lr"] = lr
        batch = batches.batch(step)
        seed_all(mix(setup.options.seed, step, setup.run.rank), self._accelerator.device)
        result = self._accumulate(batch, batches, collated)
        self._update(result, step)
        elapsed_s = time.perf_counter() - started
        if math.isfinite(result.loss_sum):
            self._meter.record(
                step,
                loss_sum=result.loss_sum,
                weight_sum=result.weight_sum,
                examples=len(batch),
                elapsed_s=elapsed_s,
                lr=lr,
                grad_norm=result.grad_norm,
            )
        return result

    def _accumulate(self, batch: list[int], batches: TrainingBatches, collated: Iterator[WeightedBatch]) -> StepResult:
        """Add up the gradients of a batch, and make them those of its mean loss.

        Processes average their gradients, so each scales its part of the sum by their number.
        """
        accelerator, run = self._accelerator, self._setup.run
        parts = batches.parts(batch)
        loss_sum = weight_sum = 0.0
        for part in parts:
            last = part is parts[-1]
            with contextlib.nullcontext() if last else accelerator.no_sync(self._module):
                inputs, weights = placed(next(collated), accelerator.device)
                with accelerator.autocast():
                    output = output_of(self._setup.objective, self._module, inputs, len(weights))
                if output.weights is not None:
                    weights = weights * output.weights
                loss = (output.losses.float() * weights).sum()
                accelerator.backward(loss * (run.world_size / len(batch)))
            loss_sum += loss.item()
            weight_sum += part.count if output.weights is None else float(output.weights[: part.count].sum())
        stop = float(run.should_stop())
        loss_sum, weight_sum, votes = sum_over_ranks([loss_sum, weight_sum, stop], accelerator)
        grad_norm = self._scale_gradients(len(batch) / weight_sum if weight_sum else 1.0)
        return StepResult(loss_sum, weight_sum, grad_norm, votes > 0)

    def _scale_gradients(self, scale: float) -> float:
        """Multiply the gradients by a factor, and shorten long ones; returns their L2 norm in between."""
        self._accelerator.unscale_gradients()
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = float(nn.utils.get_total_norm(gradients)) * scale
        limit = self._setup.options.max_grad_norm or math.inf
        if norm > limit:
            scale *= limit / (norm + CLIP_EPS)
        if scale != 1.0:
            torch._foreach_mul_(gradients, scale)
        return norm

    def _update(self, result: StepResult, step: int) -> None:
        """Let the optimizer act, unless the gradient is not finite."""
        scaled = self._accelerator.scaler is not None
        if math.isfinite(result.grad_norm) or scaled:
            self._optimizer.step()
        finite = math.isfinite(result.grad_norm) and math.isfinite(result.loss_sum)
        self._skipped = 0 if finite else self._skipped + 1
        if not finite and not scaled:
            self._setup.run.warn(f"step {step}: the gradient is not finite; the step is skipped")
        self._optimizer.zero_grad()
        if self._skipped >= MAX_SKIPPED_STEPS:
            raise RunFailed(
                f"the loss diverged: no finite gradient in {self._skipped} steps up to step {step}",
                f"use a smaller --lr (it was {self._setup.plan.lr:g}), or --precision fp32",
            )
