"""One optimizer step: the gradient of the mean loss of a batch, over all micro-batches and processes."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from zoo.errors import RunFailed
from zoo.runs.events import StepCompleted
from zoo.training.loader import SourceBatch, TrainingBatches, WeightedBatch, placed
from zoo.training.meter import Meter
from zoo.training.objective import output_of
from zoo.training.optimizer import make_optimizer
from zoo.training.parallel import average_over_ranks, joined, sum_over_ranks
from zoo.training.plan import learning_rate
from zoo.training.seeding import mix, seed_all
from zoo.training.setup import TrainingSetup

CLIP_EPS = 1e-6
"""Keeps the quotient of limit and norm finite, as in `torch.nn.utils.clip_grad_norm_`."""
MAX_SKIPPED_STEPS = 5
"""Optimizer steps in a row without a finite gradient before the run fails."""
Emit = Callable[[StepCompleted], None]


class SourceLoss(NamedTuple):
    """What a step says of one source, over all processes."""

    source: int
    loss_sum: float
    """Over the examples of the batch, weighted."""
    weight_sum: float
    """What `loss_sum` is divided by for the mean: the number of examples, or the sum of the objective's own weights."""
    examples: int

    @property
    def mean(self) -> float:
        """Per example, or per what the objective counts; 0 where there is nothing."""
        return self.loss_sum / self.weight_sum if self.weight_sum else 0.0


@dataclass(frozen=True)
class StepResult:
    """What is known after a step."""

    losses: tuple[SourceLoss, ...]
    """Of the sources that the step learnt from."""
    grad_norm: float
    stop_requested: bool

    @property
    def is_finite(self) -> bool:
        """Whether all losses are."""
        return all(math.isfinite(loss.loss_sum) for loss in self.losses)


class OptimizerSteps:
    """Takes steps, with an optimizer whose moments live from one to the next."""

    def __init__(self, setup: TrainingSetup, emit: Emit) -> None:
        self._setup, self._accelerator = setup, setup.accelerator
        module = setup.method.module
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self.raw_optimizer = make_optimizer(
            module, setup.plan.lr, setup.options.weight_decay, setup.learner.log_variances
        )
        if len(setup.sources) == 1:
            self._modules = [joined(module, self._accelerator)]
        else:  # which of the parameters have a gradient differs from step to step, so they are averaged here
            module.to(self._accelerator.device)
            self._modules = [source.objective.module for source in setup.sources]
        self._optimizer = self._accelerator.prepare_optimizer(self.raw_optimizer, device_placement=False)
        self._meter = Meter(setup.plan, [source.name for source in setup.sources], emit, self._accelerator.device)
        self._log_variances = list(setup.learner.log_variances)
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
            group["lr"] = lr * group["lr_scale"]
        seed_all(mix(setup.options.seed, step, setup.run.rank), self._accelerator.device)
        result = self._accumulate(batches.of(step), batches, collated)
        self._update(result, step)
        elapsed_s = time.perf_counter() - started
        if result.is_finite:
            self._meter.record(step, result.losses, elapsed_s=elapsed_s, lr=lr, grad_norm=result.grad_norm)
        return result

    def _accumulate(
        self, of_sources: list[SourceBatch], batches: TrainingBatches, collated: Iterator[WeightedBatch]
    ) -> StepResult:
        """Add up the gradients of the batches of a step, and make them those of the sum of their mean losses."""
        losses: list[SourceLoss] = []
        scale, stop = 1.0, 0.0
        apart = _Gradients(self._parameters) if len(of_sources) > 1 else None
        for batch in of_sources:
            loss, votes = self._accumulate_source(batch, batches, collated)
            losses.append(loss)
            stop += votes
            scale = self._factor(loss) * (loss.examples / loss.weight_sum if loss.weight_sum else 1.0)
            if apart is not None:
                apart.take_in(scale)
        if apart is not None:
            apart.give_back()
            scale = 1.0
        if len(self._modules) > 1:
            gradients = [p.grad for p in self._parameters if p.grad is not None]
            average_over_ranks(gradients, self._accelerator)
        grad_norm = self._scale_gradients(scale)
        self._learn_variances(losses)
        return StepResult(tuple(losses), grad_norm, stop > 0)

    def _accumulate_source(
        self, batch: SourceBatch, batches: TrainingBatches, collated: Iterator[WeightedBatch]
    ) -> tuple[SourceLoss, float]:
        """Add up the gradients of the mean loss of a source, up to a factor; also how many processes were told to stop.

        Processes average their gradients, so each scales its part of the sum by their number.
        """
        accelerator, run, module = self._accelerator, self._setup.run, self._modules[batch.source]
        objective = self._setup.sources[batch.source].objective
        examples = len(batch.indices)
        parts = batches.parts(batch)
        loss_sum = weight_sum = 0.0
        for part in parts:
            last = part is parts[-1]
            with contextlib.nullcontext() if last else accelerator.no_sync(module):
                inputs, weights = placed(next(collated), accelerator.device)
                with accelerator.autocast():
                    output = output_of(objective, module, inputs, len(weights))
                if output.weights is not None:
                    weights = weights * output.weights
                loss = (output.losses.float() * weights).sum()
                accelerator.backward(loss * (run.world_size / examples))
            loss_sum += loss.item()
            weight_sum += part.count if output.weights is None else float(output.weights[: part.count].sum())
        stop = float(run.should_stop())
        loss_sum, weight_sum, votes = sum_over_ranks([loss_sum, weight_sum, stop], accelerator)
        return SourceLoss(batch.source, loss_sum, weight_sum, examples), votes

    def _factor(self, loss: SourceLoss) -> float:
        """What the mean loss of a source is multiplied by in the sum that is minimised."""
        factor = self._setup.sources[loss.source].weight * self._setup.plan.sources[loss.source].share
        return factor * math.exp(-self._log_variances[loss.source].item()) if self._log_variances else factor

    def _learn_variances(self, losses: Sequence[SourceLoss]) -> None:
        """Give the logarithms of the variances their gradients: of `exp(-s) L + s / 2` (Kendall et al. 2018, eq. 7)."""
        if not self._log_variances:
            return
        for loss in losses:
            s, share = self._log_variances[loss.source], self._setup.plan.sources[loss.source].share
            s.grad = torch.full_like(s, share / 2 - self._factor(loss) * loss.mean)

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
        finite = math.isfinite(result.grad_norm) and result.is_finite
        self._skipped = 0 if finite else self._skipped + 1
        if not finite and not scaled:
            self._setup.run.warn(f"step {step}: the gradient is not finite; the step is skipped")
        self._optimizer.zero_grad()
        if self._skipped >= MAX_SKIPPED_STEPS:
            raise RunFailed(
                f"the loss diverged: no finite gradient in {self._skipped} steps up to step {step}",
                f"use a smaller --lr (it was {self._setup.plan.lr:g}), or --precision fp32",
            )


class _Gradients:
    """The gradients of the sources of one step, added up apart: the factor of each is known when it is complete.

    Args:
        parameters: that have them.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = parameters
        self._sums: dict[nn.Parameter, torch.Tensor] = {}

    def take_in(self, scale: float) -> None:
        """Add the gradients that the parameters have, times a factor, and leave the parameters without any."""
        for parameter in self._parameters:
            if parameter.grad is None:
                continue
            if parameter in self._sums:
                self._sums[parameter].add_(parameter.grad, alpha=scale)
            else:
                self._sums[parameter] = parameter.grad.mul_(scale)
            parameter.grad = None

    def give_back(self) -> None:
        """Let the parameters have the sums."""
        for parameter, gradient in self._sums.items():
            parameter.grad = gradient
