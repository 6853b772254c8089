"""The engine: one training loop for every objective.

A step is a function of the run's seed and its number: which examples, which random draws, which learning rate. What
remains to be remembered is the weights, the optimizer's moments and the best evaluation, and that is a checkpoint.
Resuming therefore equals never having stopped; on a CPU, bit for bit.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import torch
from torch import nn

from zoo.errors import DatasetInvalid
from zoo.hyperparameters import TrainingOptions
from zoo.metrics import finite
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import EvaluationCompleted, RunPlanned
from zoo.runs.sample_pictures import shown_pictures
from zoo.training.checkpoint import Best, Progress
from zoo.training.evaluation import evaluate, is_better
from zoo.training.examples import EncodedExamples, Examples, encode
from zoo.training.frozen import reduce
from zoo.training.loader import TrainingBatches, WeightedBatch
from zoo.training.methods import make_method
from zoo.training.objective import Objective
from zoo.training.optimizer_step import OptimizerSteps
from zoo.training.parallel import make_accelerator, sum_over_ranks
from zoo.training.plan import Plan, make_plan
from zoo.training.recovery import Recovery
from zoo.training.seeding import seed_all
from zoo.training.setup import TrainingSetup

MEASURED_S = 1.5
"""How long a dry run takes steps to see how fast they are."""


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
    setup = TrainingSetup(objective, run, accelerator, method, plan)
    planned = _planned(plan, method.module)
    run.emit(planned)
    if run.dry_run:
        if not method.body_is_frozen:  # steps of a head take next to nothing beside the one pass of its body
            objective.begin()
            run.emit(msgspec.structs.replace(planned, samples_per_s=measure(setup, train_set)))
        return FitResult(step=0)
    objective.begin()
    return Training(setup, train_set, eval_set).fit()


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


def measure(setup: TrainingSetup, train_set: Examples) -> float:
    """Take a few steps whose results go nowhere; returns examples a second, without the first step's warm-up."""
    steps = OptimizerSteps(setup, lambda event: None)
    batches = TrainingBatches(setup, train_set)
    examples, elapsed_s = 0, 0.0
    setup.method.train_mode()
    with contextlib.closing(batches.collated_from(1)) as collated:
        steps.take(1, batches, collated)
        began = time.perf_counter()
        for step in range(2, setup.plan.steps + 1):
            stop_requested = steps.take(step, batches, collated).stop_requested
            examples += len(batches.batch(step))
            elapsed_s = time.perf_counter() - began
            (votes,) = sum_over_ranks([float(elapsed_s > MEASURED_S)], setup.accelerator)
            if votes or stop_requested:
                break
    return examples / elapsed_s if examples else 0.0


class Training:
    """One attempt at a training: steps, evaluations and checkpoints in turn."""

    def __init__(self, setup: TrainingSetup, train_set: Examples, eval_set: EncodedExamples) -> None:
        self.setup, self.run, self.plan, self.method = setup, setup.run, setup.plan, setup.method
        self.train_set: Examples = train_set
        self.eval_set: Examples = eval_set
        self.eval_rows = len({id(example) for example in eval_set.examples})
        self.shown = shown_pictures(setup.run.task, eval_set.examples)
        self.steps = OptimizerSteps(setup, setup.run.emit)
        self.recovery = Recovery(setup, self.steps.raw_optimizer)
        self.progress = Progress()

    def fit(self) -> FitResult:
        """Train from the newest checkpoint to the end, or until a stop is asked for."""
        self.progress = self.recovery.restore()
        if self.method.body_is_frozen and self.run.world_size == 1:
            self.train_set, self.eval_set = self.reduced(self.train_set), self.reduced(self.eval_set)
        batches = TrainingBatches(self.setup, self.train_set)
        with contextlib.closing(batches.collated_from(self.progress.step + 1)) as collated:
            return self.go_on(batches, collated)

    def reduced(self, examples: Examples) -> Examples:
        """The examples as a head on a frozen body sees them."""
        return reduce(self.setup.objective, examples, self.setup.accelerator, self.run.should_stop)

    def go_on(self, batches: TrainingBatches, collated: Iterator[WeightedBatch]) -> FitResult:
        """Train from where the progress stands to the end.

        Args:
            batches: of all steps.
            collated: the micro-batches of all steps to come.
        """
        stop_requested = False
        self.method.train_mode()
        while True:
            if self.evaluation_due() and not stop_requested:
                stop_requested = not self.evaluate()
                self.method.train_mode()
            if self.finished() and not self.evaluation_due():
                return self.finish()
            if stop_requested:
                self.recovery.save(self.progress)
                return FitResult(step=self.progress.step, cancelled=True)
            step = self.progress.step + 1
            stop_requested = self.steps.take(step, batches, collated).stop_requested
            self.progress = msgspec.structs.replace(self.progress, step=step)
            if self.recovery.is_due(step):
                self.recovery.save(self.progress)

    def finished(self) -> bool:
        """Whether all steps are done, or evaluations have not got better for long enough."""
        patience = self.setup.options.patience
        out_of_patience = patience is not None and self.progress.evaluations_since_best >= patience
        return self.progress.step >= self.plan.steps or out_of_patience

    def evaluation_due(self) -> bool:
        """Whether the weights are to be judged before the next step."""
        if not len(self.eval_set) or self.progress.evaluated_step == self.progress.step:
            return False
        return self.progress.step % self.plan.eval_steps == 0 or self.finished()

    def evaluate(self) -> bool:
        """Judge the weights, and keep them where they are the best so far; False where a stop was asked for."""
        evaluation = evaluate(self.setup, self.eval_set, self.shown)
        if evaluation is None:
            return False
        metrics, report, pictures, sample = evaluation
        step, before, finite_metrics = self.progress.step, self.progress.best, finite(metrics)
        better = before is None or is_better(finite_metrics, before.metrics, self.run.task)
        if better:
            self.recovery.save_best(step)
        self.progress = msgspec.structs.replace(
            self.progress,
            evaluated_step=step,
            best=Best(step=step, metrics=finite_metrics, report=report) if better else before,
            evaluations_since_best=0 if better else self.progress.evaluations_since_best + 1,
        )
        self.run.emit(
            EvaluationCompleted(
                step=step, metrics=metrics, rows=self.eval_rows, best=better, pictures=pictures, sample=sample
            )
        )
        return True

    def finish(self) -> FitResult:
        """Export the best weights, or the last ones where nothing was evaluated."""
        best, objective = self.progress.best, self.setup.objective
        if self.run.rank == 0:
            if best is not None and best.step != self.progress.step:
                self.recovery.load_best(best.step)
            self.export()
        return FitResult(
            step=self.progress.step,
            metrics=best.metrics if best else {},
            best_step=best.step if best else None,
            report=best.report if best else (),
            labels=self.run.labels,
            task=objective.task,
            parameters=sum(parameter.numel() for parameter in objective.module.parameters()),
        )

    def export(self) -> None:
        """Write the result."""
        folder, best = self.run.model_folder, self.progress.best
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        self.setup.objective.conclude(best.metrics if best else {}, self.method.trained)
        module = self.method.finish(folder)
        self.setup.objective.export(module.to("cpu", torch.float32).eval(), folder)
