"""The engine: one training loop for every objective.

A step is a function of the run's seed and its number: which examples, which random draws, which learning rate. What
remains to be remembered is the weights, the optimizer's moments and the best evaluation, and that is a checkpoint.
Resuming therefore equals never having stopped; on a CPU, bit for bit.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import nn

from zoo.blocks import Report
from zoo.errors import DatasetInvalid, RunFailed
from zoo.hyperparameters import TrainingOptions
from zoo.metrics import finite, report_of
from zoo.prefetch import prefetched
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import CheckpointSaved, EvaluationCompleted, RunPlanned
from zoo.training import checkpoint
from zoo.training.batches import EVALUATION, MicroBatch, epoch_batches, evaluation_batches, shares
from zoo.training.checkpoint import Best, Progress
from zoo.training.examples import Examples, encode
from zoo.training.frozen import reduce
from zoo.training.meter import Meter
from zoo.training.methods import Method, make_method
from zoo.training.objective import Batch, Objective, output_of
from zoo.training.optimizer import make_optimizer
from zoo.training.parallel import gather_objects, joined, make_accelerator, sum_over_ranks
from zoo.training.plan import Plan, learning_rate, make_plan
from zoo.training.seeding import mix, seed_all

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator

AUTO_SAVE_S = 60.0
"""Time between checkpoints where none is asked for."""
EVALUATION_BATCH = 64
CLIP_EPS = 1e-6
"""Keeps the quotient of limit and norm finite, as in `torch.nn.utils.clip_grad_norm_`."""
MEASURED_S = 1.5
"""How long a dry run takes steps to see how fast they are."""
MAX_SKIPPED_STEPS = 5
"""Optimizer steps in a row without a finite gradient before the run fails."""


def train(objective: Objective[Any], run: TrainingRun) -> FitResult:
    """Train an objective as the run asks and leave the result in `run.model_folder`.

    Raises:
        DatasetInvalid: there is nothing to train on.
        RunFailed: the loss diverged, or processes are missing.
    """
    options: TrainingOptions = run.options
    if not run.train:
        raise DatasetInvalid("there are no rows to train on", "give more data, or a smaller --eval-share")
    accelerator = make_accelerator(run)
    seed_all(options.seed, accelerator.device)
    method = make_method(objective, options)
    train_set = encode(objective, run.train, options, set_aside=run.set_aside, labels=run.labels)
    if not len(train_set):
        raise DatasetInvalid(
            "none of the rows to train on can be used", "quarantine.jsonl in the run's folder says why"
        )
    eval_set = encode(objective, run.eval, options, set_aside=run.set_aside)
    plan = make_plan(
        options,
        rows=len(train_set),
        objective=objective,
        lr=objective.default_lr if getattr(options, "method", "full") == "full" else objective.head_lr,
        world_size=run.world_size,
    )
    planned = _planned(plan, method.module)
    run.emit(planned)
    if run.dry_run:
        if not method.body_is_frozen:  # steps of a head take next to nothing beside the one pass of its body
            objective.begin()
            training = _Training(objective, run, accelerator, method, plan, train_set, train_set)
            run.emit(msgspec.structs.replace(planned, samples_per_s=training.measure()))
        return FitResult(step=0)
    objective.begin()
    return _Training(objective, run, accelerator, method, plan, train_set, eval_set).fit()


def _planned(plan: Plan, module: nn.Module) -> RunPlanned:
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in module.parameters()]
    return RunPlanned(
        steps=plan.steps,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        micro_batch_size=plan.micro_batch_size,
        parameters=sum(count for count, _ in counts),
        trainable_parameters=sum(count for count, trained in counts if trained),
        lr=plan.lr,
    )


WeightedBatch = tuple[Batch, torch.Tensor]
"""A batch, and the weight of each of its examples."""


@dataclass(frozen=True)
class MicroBatchRequest:
    """A micro-batch to be collated."""

    examples: Examples
    part: MicroBatch
    epoch: int


@dataclass(frozen=True)
class _StepResult:
    loss_sum: float
    """Over the examples of the batch, weighted, over all processes."""
    weight_sum: float
    """What `loss_sum` is divided by for the mean: the number of examples, or the sum of the objective's own weights."""
    grad_norm: float
    stop_asked: bool


class _Training:
    """One attempt at a training run: what the loop needs at hand."""

    def __init__(
        self,
        objective: Objective[Any],
        run: TrainingRun,
        accelerator: Accelerator,
        method: Method,
        plan: Plan,
        train_set: Examples,
        eval_set: Examples,
    ) -> None:
        self.objective, self.run, self.accelerator, self.method, self.plan = objective, run, accelerator, method, plan
        self.options: TrainingOptions = run.options
        self.train_set, self.eval_set = train_set, eval_set
        self.parameters = [p for p in method.module.parameters() if p.requires_grad]
        self.names = {p: name for name, p in method.module.named_parameters()}
        self.raw_optimizer = make_optimizer(method.module, plan.lr, self.options.weight_decay)
        self.module = joined(method.module, accelerator)
        self.optimizer = accelerator.prepare_optimizer(self.raw_optimizer, device_placement=False)
        self.meter = Meter(plan, run.emit, accelerator.device)
        self.progress = Progress()
        self.skipped = 0
        self.in_train_mode = False
        self.saved_at = time.monotonic()
        self.epoch_batches = lru_cache(maxsize=2)(self._epoch_batches)

    def fit(self) -> FitResult:
        self.restore()
        if self.method.body_is_frozen and self.run.world_size == 1:
            self.train_set, self.eval_set = self.reduced(self.train_set), self.reduced(self.eval_set)
        with contextlib.closing(self.feed(self.upcoming(self.progress.step + 1))) as batches:
            return self.go_on(batches)

    def measure(self) -> float:
        """Take a few steps whose results go nowhere; returns examples a second, without the first step's warm-up."""
        self.meter = Meter(self.plan, lambda event: None, self.accelerator.device)
        examples, elapsed_s = 0, 0.0
        with contextlib.closing(self.feed(self.upcoming(1))) as batches:
            self.step(batches)
            began = time.perf_counter()
            for step in range(2, self.plan.steps + 1):
                stop_asked = self.step(batches).stop_asked
                examples += len(self.batch(step))
                elapsed_s = time.perf_counter() - began
                (votes,) = sum_over_ranks([float(elapsed_s > MEASURED_S)], self.accelerator)
                if votes or stop_asked:
                    break
        return examples / elapsed_s if examples else 0.0

    def reduced(self, examples: Examples) -> Examples:
        """The examples as a head on a frozen body sees them."""
        return reduce(self.objective, examples, self.accelerator, self.run.should_stop)

    def go_on(self, batches: Iterator[WeightedBatch]) -> FitResult:
        """Train from where the progress stands to the end.

        Args:
            batches: the micro-batches of all steps to come.
        """
        stop_asked = False
        while True:
            if self.evaluation_due() and not stop_asked:
                stop_asked = not self.evaluate()
            if self.finished() and not self.evaluation_due():
                return self.finish()
            if stop_asked:
                self.save()
                return FitResult(step=self.progress.step, cancelled=True)
            stop_asked = self.step(batches).stop_asked
            if self.checkpoint_due():
                self.save()

    def finished(self) -> bool:
        """Whether all steps are done, or evaluations have not got better for long enough."""
        patience = self.options.patience
        out_of_patience = patience is not None and self.progress.evaluations_since_best >= patience
        return self.progress.step >= self.plan.steps or out_of_patience

    def feed(self, requests: Iterable[MicroBatchRequest]) -> Generator[WeightedBatch, None, None]:
        """Collate micro-batches, ahead of their use where the objective wants it."""
        threads = self.objective.collate_threads
        return prefetched(
            lambda request: request.examples.collate(request.part, epoch=request.epoch),
            requests,
            threads=threads,
            ahead=2 * threads,
        )

    def upcoming(self, first: int) -> Iterator[MicroBatchRequest]:
        """The micro-batches of a 1-based step and all that follow."""
        for step in range(first, self.plan.steps + 1):
            for part in self.parts(self.batch(step)):
                yield MicroBatchRequest(self.train_set, part, (step - 1) // self.plan.steps_per_epoch)

    def step(self, batches: Iterator[WeightedBatch]) -> _StepResult:
        """One optimizer step: the mean loss of one batch, over all micro-batches and processes."""
        started = time.perf_counter()
        step = self.progress.step + 1
        lr = learning_rate(step, plan=self.plan, options=self.options)
        for group in self.raw_optimizer.param_groups:
            group["lr"] = lr
        batch = self.batch(step)
        if not self.in_train_mode:
            self.method.train_mode()
            self.in_train_mode = True
        seed_all(mix(self.options.seed, step, self.run.rank), self.accelerator.device)
        result = self.accumulate(batch, batches)
        self.update(result, step)
        self.progress = msgspec.structs.replace(self.progress, step=step)
        elapsed_s = time.perf_counter() - started
        if math.isfinite(result.loss_sum):
            self.meter.record(
                step,
                loss_sum=result.loss_sum,
                weight_sum=result.weight_sum,
                examples=len(batch),
                elapsed_s=elapsed_s,
                lr=lr,
                grad_norm=result.grad_norm,
            )
        return result

    def batch(self, step: int) -> list[int]:
        """Indices of the examples of a 1-based step."""
        epoch, position = divmod(step - 1, self.plan.steps_per_epoch)
        return self.epoch_batches(epoch)[position]

    def _epoch_batches(self, epoch: int) -> list[list[int]]:
        return epoch_batches(self.train_set.lengths, self.plan.batch_size, seed=self.options.seed, epoch=epoch)

    def parts(self, batch: list[int]) -> list[MicroBatch]:
        """What this process computes of a batch."""
        return shares(batch, self.plan.micro_batch_size, rank=self.run.rank, world_size=self.run.world_size)

    def accumulate(self, batch: list[int], batches: Iterator[WeightedBatch]) -> _StepResult:
        """Add up the gradients of a batch, and make them those of its mean loss.

        Processes average their gradients, so each scales its part of the sum by their number.
        """
        parts = self.parts(batch)
        loss_sum = weight_sum = 0.0
        for part in parts:
            last = part is parts[-1]
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.module):
                inputs, weights = self.placed(next(batches))
                with self.accelerator.autocast():
                    output = output_of(self.objective, self.module, inputs, len(weights))
                if output.weights is not None:
                    weights = weights * output.weights
                loss = (output.losses.float() * weights).sum()
                self.accelerator.backward(loss * (self.run.world_size / len(batch)))
            loss_sum += loss.item()
            weight_sum += part.count if output.weights is None else float(output.weights[: part.count].sum())
        stop = float(self.run.should_stop())
        loss_sum, weight_sum, votes = sum_over_ranks([loss_sum, weight_sum, stop], self.accelerator)
        grad_norm = self.scale_gradients(len(batch) / weight_sum if weight_sum else 1.0)
        return _StepResult(loss_sum, weight_sum, grad_norm, votes > 0)

    def placed(self, weighted: WeightedBatch) -> WeightedBatch:
        """A batch on the device of the model."""
        batch, weights = weighted
        device = self.accelerator.device
        return {name: tensor.to(device) for name, tensor in batch.items()}, weights.to(device)

    def scale_gradients(self, scale: float) -> float:
        """Multiply the gradients by a factor, and shorten long ones; returns their L2 norm in between."""
        self.accelerator.unscale_gradients()
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = float(nn.utils.get_total_norm(gradients)) * scale
        limit = self.options.max_grad_norm or math.inf
        if norm > limit:
            scale *= limit / (norm + CLIP_EPS)
        if scale != 1.0:
            torch._foreach_mul_(gradients, scale)
        return norm

    def update(self, result: _StepResult, step: int) -> None:
        """Let the optimizer act, unless the gradient is not finite."""
        scaled = self.accelerator.scaler is not None
        if math.isfinite(result.grad_norm) or scaled:
            self.optimizer.step()
        finite = math.isfinite(result.grad_norm) and math.isfinite(result.loss_sum)
        self.skipped = 0 if finite else self.skipped + 1
        if not finite and not scaled:
            self.run.warn(f"step {step}: the gradient is not finite; the step is skipped")
        self.optimizer.zero_grad()
        if self.skipped >= MAX_SKIPPED_STEPS:
            raise RunFailed(
                f"the loss diverged: no finite gradient in {self.skipped} steps up to step {step}",
                f"use a smaller --lr (it was {self.plan.lr:g}), or --precision fp32",
            )

    def evaluation_due(self) -> bool:
        if not len(self.eval_set) or self.progress.evaluated_step == self.progress.step:
            return False
        return self.progress.step % self.plan.eval_steps == 0 or self.finished()

    def evaluate(self) -> bool:
        """Go through the evaluation data; False where a stop was asked for before the end."""
        self.method.module.eval()
        self.in_train_mode = False
        metrics = self.objective.metrics()
        parts = self.evaluation_parts()
        with contextlib.closing(
            self.feed(MicroBatchRequest(self.eval_set, part, EVALUATION) for part in parts)
        ) as batches:
            for part in parts:
                inputs, _ = self.placed(next(batches))
                with torch.inference_mode(), self.accelerator.autocast():
                    output = self.objective.losses(self.method.module, inputs)
                self.objective.update_metrics(metrics, output, part.count)
                (votes,) = sum_over_ranks([float(self.run.should_stop())], self.accelerator)
                if votes:
                    return False
        first, *others = gather_objects(metrics, self.accelerator)
        for other in others:
            first.merge(other)
        self.judge(first.compute(), report_of(first))
        return True

    def evaluation_parts(self) -> list[MicroBatch]:
        """What this process computes of the evaluation data."""
        batches = evaluation_batches(self.eval_set.lengths, EVALUATION_BATCH * self.run.world_size)
        one_each = (
            shares(batch, EVALUATION_BATCH, rank=self.run.rank, world_size=self.run.world_size) for batch in batches
        )
        return [part for (part,) in one_each]

    def judge(self, metrics: dict[str, float], report: Report) -> None:
        """Compare an evaluation with the best so far, and keep the weights of a better one."""
        step, before, known = self.progress.step, self.progress.best, finite(metrics)
        best = before is None or self.score(known) > self.score(before.metrics)
        if best and self.run.rank == 0:
            state = checkpoint.trainable_state(self.method.module)
            checkpoint.save_best(self.run.checkpoints_folder, step, state)
        self.progress = msgspec.structs.replace(
            self.progress,
            evaluated_step=step,
            best=Best(step=step, metrics=known, report=report) if best else before,
            evaluations_since_best=0 if best else self.progress.evaluations_since_best + 1,
        )
        self.run.emit(EvaluationCompleted(step=step, metrics=metrics, rows=len(self.eval_set), best=best))

    def score(self, metrics: dict[str, float]) -> tuple[float, float]:
        """What a better evaluation has more of: the task's primary metric, then a smaller loss."""
        task = self.run.task
        primary = metrics.get(task.primary_metric, -math.inf if task.larger_is_better else math.inf)
        loss = metrics.get("loss", math.inf)
        return (primary if task.larger_is_better else -primary, -loss)

    def checkpoint_due(self) -> bool:
        if self.options.save_steps is not None:
            return self.progress.step % self.options.save_steps == 0
        return time.monotonic() - self.saved_at >= AUTO_SAVE_S

    def save(self) -> None:
        """Write a checkpoint; processes hold the same weights, so the first one writes."""
        self.saved_at = time.monotonic()
        if self.run.rank != 0:
            return
        scaler = self.accelerator.scaler
        progress = msgspec.structs.replace(self.progress, loss_scale=scaler.get_scale() if scaler else None)
        size_bytes = checkpoint.save(
            self.run.checkpoints_folder,
            progress=progress,
            model=checkpoint.trainable_state(self.method.module),
            optimizer=checkpoint.optimizer_state(self.raw_optimizer, self.names),
        )
        self.run.emit(CheckpointSaved(step=progress.step, size_bytes=size_bytes))

    def restore(self) -> None:
        """Go on from the newest checkpoint that is whole, if there is one."""
        loaded = checkpoint.load_newest(self.run.checkpoints_folder, self.run.labels)
        if loaded is None:
            return
        for refusal in loaded.refused:
            self.run.warn(refusal)
        self.progress = loaded.progress
        if loaded.model:
            checkpoint.load_trainable_state(self.method.module, loaded.model)
            checkpoint.load_optimizer_state(self.raw_optimizer, self.names, loaded.optimizer)
        if self.accelerator.scaler is not None and loaded.progress.loss_scale is not None:
            scaler = self.accelerator.scaler
            scaler.load_state_dict(scaler.state_dict() | {"scale": loaded.progress.loss_scale})

    def finish(self) -> FitResult:
        """Export the best weights, or the last ones where nothing was evaluated."""
        best = self.progress.best
        if self.run.rank == 0:
            if best is not None and best.step != self.progress.step:
                state = checkpoint.load_best(self.run.checkpoints_folder, best.step)
                checkpoint.load_trainable_state(self.method.module, state)
            self.export()
        return FitResult(
            step=self.progress.step,
            metrics=best.metrics if best else {},
            best_step=best.step if best else None,
            report=best.report if best else (),
            labels=self.run.labels,
            task=self.objective.task,
            parameters=sum(parameter.numel() for parameter in self.objective.module.parameters()),
        )

    def export(self) -> None:
        folder = self.run.model_folder
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        module = self.method.finish(folder)
        self.objective.export(module.to("cpu", torch.float32).eval(), folder)
