"""One optimizer step: the gradient of the mean loss of a batch, over all micro-batches and processes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from zoo.errors import RunFailed
from zoo.runs.events import StepCompleted
from zoo.training.batches import MicroBatch
from zoo.training.gradient_sums import GradientSums
from zoo.training.loader import SourceBatch, TrainingBatches
from zoo.training.meter import Meter
from zoo.training.moving import WeightedBatch
from zoo.training.objective import output_of
from zoo.training.optimizer import make_optimizer
from zoo.training.out_of_memory import MemoryCheck
from zoo.training.parallel import average_over_ranks, join_gradients, joined, sum_over_ranks
from zoo.training.plan import learning_rate
from zoo.training.private.steps import PrivateGradients
from zoo.training.replaying import Replaying, Sums, recorder_for
from zoo.training.scalars import Launched, Reading, Scalar, exponential, quotient, scalar, scale, shortening
from zoo.training.seeding import generator_of, mix, seed_all
from zoo.training.setup import TrainingSetup
from zoo.training.sharding import local, shard, total_norm, undivided
from zoo.training.working_weights import working_weights_of

CLIP_EPS = 1e-6
"""Keeps the quotient of limit and norm finite, as in `torch.nn.utils.clip_grad_norm_`."""
MAX_SKIPPED_STEPS = 5
"""Optimizer steps in a row without a finite gradient before the run fails."""
MAX_SCALED_STEPS = 25
"""The same where losses are scaled: each such step halves the scale, which begins at 65,536."""
Emit = Callable[[StepCompleted], None]


class SourceLoss(NamedTuple):
    """What a step says of one source, over all processes."""

    source: int
    loss_sum: Scalar
    """Over the examples of the batch, weighted."""
    weight_sum: Scalar
    """What `loss_sum` is divided by for the mean: the number of examples, or the sum of the objective's own weights."""
    examples: int

    @property
    def mean(self) -> Scalar:
        """Per example, or per what the objective counts; 0 where there is nothing."""
        return quotient(self.loss_sum, self.weight_sum)


class StepTaken(NamedTuple):
    """What is known when a step is on its way."""

    examples: int
    stop_requested: bool
    """Whether any process was told to stop, as of the newest step that is computed."""


class _Step(NamedTuple):
    """A step that was launched."""

    number: int
    lr: float
    losses: list[SourceLoss]
    reading: Reading
    """Of its norm, the votes to stop, and the two sums of each of the losses."""


class OptimizerSteps:
    """Takes steps, with an optimizer whose moments live from one to the next.

    Nothing here waits for an accelerator: what a step says is read when the next one is on its way, see
    `zoo.training.scalars`; whoever has to know of all steps so far calls `settle`.

    Args:
        setup: of the training.
        emit: is told of steps.
        last: 1-based step that it ends with, where that is not the last of the training.
    """

    def __init__(self, setup: TrainingSetup, emit: Emit, last: int | None = None) -> None:
        self._setup, self._accelerator = setup, setup.accelerator
        self._last = setup.plan.steps if last is None else last
        module = setup.method.module
        self._modules = self._placed()
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self._averaged = self._parameters if len(self._modules) > 1 else []
        """Those whose gradients no network brings together by itself."""
        if setup.is_sharded:
            self._averaged = undivided(module)
        self.optimizer = make_optimizer(module, setup.plan.lr, setup.options.weight_decay, setup.learner.log_variances)
        self._private = PrivateGradients(setup, setup.private) if setup.private else None
        spent = setup.private.spent if setup.private else None
        names = [source.name for source in setup.sources]
        self._meter = Meter(setup.plan, names, emit, self._accelerator.device, spent)
        self._log_variances = list(setup.learner.log_variances)
        self._launched: Launched[_Step] = Launched(self._accelerator.device)
        self._skipped = 0
        self._more_steps = 0
        self._working = None if setup.private else working_weights_of(module, self._accelerator)
        self._replaying = self._make_replaying()

    def _placed(self) -> list[nn.Module]:
        """The networks of the sources on the device, within what brings their gradients together.

        Which parameters of several have a gradient differs from step to step, so nothing is around these.
        """
        setup, module = self._setup, self._setup.method.module
        if setup.is_sharded:
            layers = [layer for source in setup.sources for layer in source.objective.layers()]
            if not shard(setup.learner.module, layers, self._accelerator):
                setup.run.note(
                    "sharded as a whole: this model has no layers that follow one another, so each device holds all of "
                    "its weights while it computes"
                )
        elif len(setup.sources) == 1:
            return [joined(module, self._accelerator)]
        else:
            module.to(self._accelerator.device)
        return [setup.network(number) for number in range(len(setup.sources))]

    def _make_replaying(self) -> Replaying | None:
        """What records how a micro-batch is computed, where the device can and the person lets it.

        Several sources, of which a step may leave the head of one without a gradient, are computed each time; so are
        the networks of several processes, which talk to each other meanwhile, and gradients of each example.
        """
        setup, device = self._setup, self._accelerator.device
        recorder = recorder_for(device)
        several = len(self._modules) > 1 or setup.run.world_size > 1
        if recorder is None or not setup.options.compile or several or setup.private:
            return None
        (module,) = self._modules

        def compute(weighted: WeightedBatch, factor: float) -> Sums:
            return self._compute(0, weighted, factor, len(weighted[1]))

        return Replaying(compute, module, recorder, generator_of(device), setup.run.note)

    def take(self, step: int, batches: TrainingBatches, collated: Iterator[WeightedBatch]) -> StepTaken:
        """Take a 1-based step.

        Args:
            step: which one.
            batches: which examples each step is made of.
            collated: gives their micro-batches next.

        Raises:
            MemoryLack: a micro-batch does not fit into memory; after `drop` the step can be taken again.
            RunFailed: the loss diverged.
        """
        setup = self._setup
        self._meter.start()
        self._more_steps = self._last - step
        lr = learning_rate(step, plan=setup.plan, options=setup.options)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["lr_scale"]
        seed_all(mix(setup.options.seed, step, setup.run.rank), self._accelerator.device)
        launched = self._launch(step, lr, batches.of(step), batches, collated)
        self._launched.add(launched)
        stop = self._read(self._launched.due())
        self._meter.stop()
        return StepTaken(sum(loss.examples for loss in launched.losses), stop)

    def drop(self) -> bool:
        """Forget what was computed of a step that came to nothing.

        Returns:
            Whether recordings went with it, which kept as much memory as a step takes.
        """
        recorded = False
        if self._replaying is not None:
            recorded = self._replaying.has_recordings
            self._replaying.drop()
            self._replaying = None
        self.optimizer.zero_grad()
        for module in self._modules:
            if isinstance(module, DistributedDataParallel):  # some may have left off before it was cleared
                module.require_forward_param_sync = True
        return recorded

    def close(self) -> None:
        """Let go of what is on the device: recordings and this hold each other until garbage is collected."""
        self.drop()

    def settle(self) -> bool:
        """Wait until all steps so far are computed and accounted for; returns whether any process was told to stop."""
        self._meter.start()
        stop = self._read(self._launched.all())
        self._meter.stop()
        return stop

    def _launch(
        self,
        step: int,
        lr: float,
        of_sources: list[SourceBatch],
        batches: TrainingBatches,
        collated: Iterator[WeightedBatch],
    ) -> _Step:
        """Compute the gradient of the sum of the sources' mean losses, and let the optimizer act on it."""
        if self._working is not None:
            self._working.refresh()
        losses: list[SourceLoss] = []
        scale_by: Scalar = 1.0
        stop: Scalar = 0.0
        apart = GradientSums(self._parameters) if len(of_sources) > 1 else None
        for batch in of_sources:
            loss, votes = self._accumulate(batch, batches, collated)
            losses.append(loss)
            stop = stop + votes
            scale_by = self._factor(loss) * quotient(loss.examples, loss.weight_sum)
            if apart is not None:
                apart.take_in(scale_by)
        if apart is not None:
            apart.give_back()
            scale_by = 1.0
        if self._private is not None:
            scale_by = self._private.add_noise(step)
        average_over_ranks([p.grad for p in self._averaged if p.grad is not None], self._accelerator)
        norm = self._scale_gradients(scale_by)
        self._learn_variances(losses)
        self._update(norm)
        sums = [value for loss in losses for value in (loss.loss_sum, loss.weight_sum)]
        return _Step(step, lr, losses, Reading([norm, stop, *sums]))

    def _accumulate(
        self, batch: SourceBatch, batches: TrainingBatches, collated: Iterator[WeightedBatch]
    ) -> tuple[SourceLoss, Scalar]:
        """Add up the gradients of the mean loss of a source, up to a factor; also how many processes were told to stop.

        Processes average their gradients, so each scales its part of the sum by their number.
        """
        accelerator, run, module = self._accelerator, self._setup.run, self._modules[batch.source]
        examples = len(batch.indices)
        parts = batches.parts(batch)
        loss_sum: Scalar = 0.0
        weight_sum: Scalar = 0.0
        with MemoryCheck(batch.source, accelerator, together=self._setup.is_sharded) as memory:
            for part in parts:
                joins = part is parts[-1] and isinstance(module, DistributedDataParallel)
                with accelerator.no_sync(module):
                    loss, *weight = self._pass(batch, part, batches, collated, before_joining=memory if joins else None)
                loss_sum = loss_sum + scalar(loss)
                weight_sum = weight_sum + (scalar(weight[0]) if weight else part.count)
        stop = float(run.should_stop())
        loss_sum, weight_sum, votes = sum_over_ranks([loss_sum, weight_sum, stop], accelerator)
        return SourceLoss(batch.source, loss_sum, weight_sum, examples), votes

    def _pass(
        self,
        batch: SourceBatch,
        part: MicroBatch,
        batches: TrainingBatches,
        collated: Iterator[WeightedBatch],
        *,
        before_joining: MemoryCheck | None,
    ) -> Sums:
        """What `_compute` gives of the micro-batch that comes next."""
        factor = self._setup.run.world_size / len(batch.indices)

        def with_all() -> Sums:
            return self._sums(batch.source, next(collated), factor, part.count, before_joining=before_joining)

        def with_few() -> Sums:
            few = batches.few(batch, part)
            return self._compute(batch.source, few, factor, len(few[1]))

        return self._setup.passed(with_all, with_few)

    def _sums(
        self,
        source: int,
        weighted: WeightedBatch,
        factor: float,
        count: int,
        *,
        before_joining: MemoryCheck | None,
    ) -> Sums:
        """What `_compute` gives, computed or replayed."""
        if self._replaying is None:
            return self._compute(source, weighted, factor, count, before_joining)
        return self._replaying(weighted, factor, more_steps=self._more_steps)

    def _compute(
        self,
        source: int,
        weighted: WeightedBatch,
        factor: float,
        count: int,
        before_joining: MemoryCheck | None = None,
    ) -> Sums:
        """Add the gradients of a micro-batch, times a factor, to those of the parameters.

        Args:
            source: whose it is.
            weighted: the micro-batch.
            factor: of the gradients.
            count: examples that count.
            before_joining: asked whether all processes are ready, where their gradients are averaged meanwhile.

        Returns:
            The sum of its losses; and, of losses that have weights, the sum of those of the first `count`.
        """
        if self._private is not None:
            return self._private.add(weighted)
        inputs, weights = weighted
        objective, module = self._setup.sources[source].objective, self._modules[source]
        with contextlib.nullcontext() if self._working is None else self._working.computing(source):
            with self._accelerator.autocast():
                output = output_of(objective, module, inputs, len(weights))
            if output.weights is not None:
                weights = weights * output.weights
            loss = (output.losses.float() * weights).sum()
            if before_joining is not None:
                before_joining.agree()
                join_gradients(module)
            self._accelerator.backward(loss * factor)
        return (loss.detach(),) if output.weights is None else (loss.detach(), output.weights[:count].sum())

    def _factor(self, loss: SourceLoss) -> Scalar:
        """What the mean loss of a source is multiplied by in the sum that is minimised."""
        factor = self._setup.sources[loss.source].weight * self._setup.plan.sources[loss.source].share
        return factor * exponential(-scalar(self._log_variances[loss.source])) if self._log_variances else factor

    def _learn_variances(self, losses: Sequence[SourceLoss]) -> None:
        """Give the logarithms of the variances their gradients: of `exp(-s) L + s / 2` (Kendall et al. 2018, eq. 7)."""
        if not self._log_variances:
            return
        for loss in losses:
            s, share = self._log_variances[loss.source], self._setup.plan.sources[loss.source].share
            s.grad = torch.zeros_like(s).add_(share / 2 - self._factor(loss) * loss.mean)

    def _scale_gradients(self, scale_by: Scalar) -> Scalar:
        """Multiply the gradients by a factor, and shorten long ones; returns their L2 norm in between."""
        if self._accelerator.scaler is not None:
            self._accelerator.scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = scale_by * (
            total_norm(gradients, self._accelerator)
            if self._setup.is_sharded
            else scalar(nn.utils.get_total_norm(gradients))
        )
        limit = self._setup.options.max_grad_norm
        if limit and self._private is None:  # which has shortened those of each example
            scale_by = scale_by * shortening(norm, limit, CLIP_EPS)
        scale(list(map(local, gradients)), scale_by)
        return norm

    def _update(self, norm: Scalar) -> None:
        """Let the optimizer act, unless the gradient is not finite."""
        if (scaler := self._accelerator.scaler) is not None:
            scaler.step(self.optimizer)
            scaler.update()
        elif isinstance(norm, torch.Tensor):
            self.optimizer.found_inf = (~norm.isfinite()).float()
            self.optimizer.step()
        elif math.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=self._replaying is None)

    def _read(self, steps: Iterable[_Step]) -> bool:
        """Account for steps that were launched; returns whether a stop was asked for."""
        stop = False
        for step in steps:
            norm, votes, *sums = step.reading.values()
            losses = [
                loss._replace(loss_sum=loss_sum, weight_sum=weight_sum)
                for loss, loss_sum, weight_sum in zip(step.losses, sums[::2], sums[1::2], strict=True)
            ]
            stop |= votes > 0
            losses_finite = all(map(math.isfinite, sums[::2]))
            self._judge(step.number, finite=math.isfinite(norm) and losses_finite)
            if losses_finite:
                self._meter.record(step.number, losses, lr=step.lr, grad_norm=norm)
        return stop

    def _judge(self, step: int, *, finite: bool) -> None:
        """Tell of a step that was skipped; fail where there were too many in a row."""
        self._skipped = 0 if finite else self._skipped + 1
        if not finite and self._accelerator.scaler is None:
            self._setup.run.warn(f"step {step}: the gradient is not finite; the step is skipped")
        if self._skipped >= (MAX_SKIPPED_STEPS if self._accelerator.scaler is None else MAX_SCALED_STEPS):
            raise RunFailed(
                f"the loss diverged: no finite gradient in {self._skipped} steps up to step {step}",
                f"use a smaller --lr (it was {self._setup.plan.lr:g}), or --precision fp32",
            )
