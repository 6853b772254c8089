"""The engine: one training loop for every objective.

A step is a function of the run's seed and its number: which examples, which random draws, which learning rate. What
remains to be remembered is the weights, the optimizer's moments and the best evaluation, and that is a checkpoint.
Resuming therefore equals never having stopped; on a CPU, bit for bit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from zoo.blocks import Report
from zoo.errors import DatasetInvalid
from zoo.hyperparameters import USUAL_MIXING, MixingOptions, TrainingOptions
from zoo.metrics import Metrics, finite
from zoo.portions import Portions
from zoo.privacy import privacy_of
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import EvaluationCompleted, MicroBatchHalved, RunPlanned
from zoo.runs.sample_pictures import shown_pictures
from zoo.runs.source_facts import SourcePlanned
from zoo.training import arithmetic
from zoo.training.activation_checkpointing import checkpoint_activations
from zoo.training.checkpoint import Judged, Progress
from zoo.training.evaluation import Evaluation, evaluate
from zoo.training.examples import EncodedExamples, Examples, encode
from zoo.training.exporting import export
from zoo.training.frozen import reduce
from zoo.training.methods import Method, make_method, method_name
from zoo.training.micro_batch import chosen_sizes
from zoo.training.objective import Objective
from zoo.training.optimizer_step import OptimizerSteps
from zoo.training.out_of_memory import FittingSteps
from zoo.training.parallel import leave_at_exit, make_accelerator
from zoo.training.plan import Demand, make_plan
from zoo.training.private.plan import FASTER, Private, plan_privately, tell_noise
from zoo.training.private.preparing import freeze_statistics, freeze_what_shrank, shapes_of
from zoo.training.private.sampling import training_batches
from zoo.training.private.statement import privacy_statement
from zoo.training.recovery import Recovery
from zoo.training.seeding import seed_all
from zoo.training.setup import TrainingSetup
from zoo.training.sharding import gather
from zoo.training.source import Learner, Source, begin, learner_of, taught
from zoo.training.standing import best_of, check_decides, is_better, own_best_steps, results, with_intervals
from zoo.training.trial_costs import measured

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator


def train(objective: Objective[Any], run: TrainingRun) -> FitResult:
    """Train an objective as the run asks and leave the result in `run.model_folder`; see `train_sources`."""
    return train_sources((Source(objective=objective, run=run),), run)


def train_sources(sources: tuple[Source, ...], run: TrainingRun, mixing: MixingOptions = USUAL_MIXING) -> FitResult:
    """Train the objectives of all sources, whose networks share a body, and leave the result in `run.model_folder`.

    Args:
        sources: what is learnt.
        run: says how and where; its rows are those of the sources.
        mixing: how several sources become one run.

    Raises:
        DatasetInvalid: there is nothing to train on.
        RunFailed: the loss diverged, or processes are missing.
    """
    with arithmetic.products(torch.device(run.device), exact=run.exact):
        result = _train(sources, run, mixing)
    leave_at_exit(run)
    return result


def _train(sources: tuple[Source, ...], run: TrainingRun, mixing: MixingOptions) -> FitResult:
    options: TrainingOptions = run.options
    sources = tuple(map(taught, sources))
    for source in sources:
        if not source.run.train:
            raise DatasetInvalid(
                f"there are no rows to train {source.name or 'on'}", "give more data, or a smaller --eval-share"
            )
    accelerator, learner, method = learners(sources, run, uncertain=mixing.weighting == "uncertainty")
    encoded = [encoded_rows(source) for source in sources]
    check_decides(sources, [len(eval_set) for _, eval_set in encoded], mixing.best_by)
    demands = [
        Demand(len(train_set), source.objective) for source, (train_set, _) in zip(sources, encoded, strict=True)
    ]
    full, lr = method_name(options, learner) == "full", usual_lr(sources, options, learner)
    private: Private | None = None
    if privacy := privacy_of(options):
        plan, private = plan_privately(
            privacy, sources[0], encoded[0][0], method.module, lr=FASTER * lr if full else lr
        )
    else:
        plan = make_plan(options, demands, lr=lr, world_size=run.world_size, mixing=mixing)
    setup = TrainingSetup(sources, learner, run, accelerator, method, plan, private)
    planned = _planned(setup, encoded, mixing.best_by)
    run.emit(planned)
    train_sets = [train_set for train_set, _ in encoded]
    if run.dry_run:
        begin_training(setup, is_private=private is not None)
        run.emit(measured(setup, planned, train_sets, [eval_set for _, eval_set in encoded]))
        return FitResult(step=0)
    begin_training(setup, is_private=private is not None)
    return Training(setup, train_sets, [eval_set for _, eval_set in encoded], planned, mixing).fit()


def learners(
    sources: Sequence[Source], run: TrainingRun, *, uncertain: bool = False
) -> tuple[Accelerator, Learner, Method]:
    """Where a run computes, the network that it trains, and how: what comes before its rows are read.

    Args:
        sources: what is learnt.
        run: says how and where.
        uncertain: whether the weights of their losses are learnt, too.
    """
    options: TrainingOptions = run.options
    accelerator = make_accelerator(run)
    seed_all(options.seed, accelerator.device)
    learner = learner_of(sources, uncertain=uncertain)
    if options.activation_checkpointing:
        checkpoint_activations(layer for source in sources for layer in source.objective.layers())
    method = make_method(learner, options)
    for variance in learner.log_variances:  # whatever else is frozen
        variance.requires_grad_(True)
    return accelerator, learner, method


def usual_lr(sources: Sequence[Source], options: TrainingOptions, learner: Learner) -> float:
    """The peak learning rate where none is asked for."""
    full = method_name(options, learner) == "full"
    return min(one.objective.default_lr if full else one.objective.head_lr for one in sources)


def encoded_rows(source: Source) -> tuple[EncodedExamples, EncodedExamples]:
    """The rows of a source to train and to evaluate on, as the engine sees them."""
    objective, run = source.objective, source.run
    train_set = encode(objective, run.train, run.options, set_aside=run.set_aside, labels=run.labels)
    if not len(train_set):
        raise DatasetInvalid(
            f"none of the rows to train {source.name or 'on'} can be used",
            "quarantine.jsonl in the run's folder says why",
        )
    return train_set, encode(objective, run.eval, run.options, set_aside=run.set_aside)


def begin_training(setup: TrainingSetup, *, is_private: bool) -> None:
    """Let objectives freeze what they do not learn, and freeze what cannot be learnt privately."""
    module = setup.method.module
    remarks = [freeze_statistics(module)] if is_private else []
    shapes = shapes_of(module)
    begin(setup.sources, module)
    remarks += [freeze_what_shrank(module, shapes)] if is_private else []
    for remark in filter(None, remarks):
        setup.run.note(remark)


def _planned(
    setup: TrainingSetup, encoded: Sequence[tuple[EncodedExamples, EncodedExamples]], best_by: str
) -> RunPlanned:
    plan = setup.plan
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in setup.method.module.parameters()]
    several = zip(setup.sources, plan.sources, encoded, plan.source_epochs(plan.steps), strict=True)
    return RunPlanned(
        steps=plan.steps,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        micro_batch_size=plan.micro_batch_size,
        parameters=sum(count for count, _ in counts),
        trainable_parameters=sum(count for count, trained in counts if trained),
        lr=plan.lr,
        sources=tuple(
            SourcePlanned(
                name=source.name,
                task=source.run.task.name,
                rows=len(train_set),
                eval_rows=len(eval_set),
                batch_size=part.batch_size,
                epochs=epochs,
                weight=source.weight,
            )
            for source, part, (train_set, eval_set), epochs in several
        )
        if len(setup.sources) > 1
        else (),
        best_by=best_by,
        privacy=setup.private.planned if setup.private else None,
    )


class Training:
    """One attempt at a training: steps, evaluations and checkpoints in turn."""

    def __init__(
        self,
        setup: TrainingSetup,
        train_sets: Sequence[Examples],
        eval_sets: Sequence[EncodedExamples],
        planned: RunPlanned,
        mixing: MixingOptions = USUAL_MIXING,
    ) -> None:
        self.setup, self.run, self.plan, self.method = setup, setup.run, setup.plan, setup.method
        self.sources = setup.sources
        self.planned, self.mixing = planned, mixing
        self.train_sets: Sequence[Examples] = train_sets
        self.eval_sets: Sequence[Examples] = eval_sets
        self.eval_rows = [len({id(example) for example in eval_set.examples}) for eval_set in eval_sets]
        self.shown = [
            shown_pictures(source.run.task, eval_set.examples)
            for source, eval_set in zip(setup.sources, eval_sets, strict=True)
        ]
        self.steps = OptimizerSteps(setup, setup.run.emit)
        self.recovery = Recovery(setup, self.steps.optimizer)
        self.progress = Progress()
        self.best_counted: Sequence[Metrics | None] = ()
        """What the best figures were computed of, of each source, until their intervals are known."""
        self.judged_at_once: list[Portions] = []

    def fit(self) -> FitResult:
        """Train from the newest checkpoint to the end, or until a stop is asked for."""
        self.progress = self.recovery.restore()
        if self.setup.private is not None:
            tell_noise(self.run, self.planned, self.setup.private)
        most = self.progress.evaluation_batch_sizes or [one.objective.evaluation_batch_size for one in self.sources]
        self.judged_at_once = [self.portions(i, size) for i, size in enumerate(most)]
        if self.method.body_is_frozen and self.run.world_size == 1:
            self.train_sets, self.eval_sets = self.reduced(self.train_sets), self.reduced(self.eval_sets)
        if not self.progress.micro_batch_sizes and self.progress.step == 0:
            found = chosen_sizes(self.setup, self.train_sets)
            self.progress = msgspec.structs.replace(self.progress, micro_batch_sizes=found)
        batches = training_batches(self.setup, self.train_sets, self.progress.micro_batch_sizes)
        convolutions = arithmetic.convolutions(
            self.setup.accelerator.device, self.method.module, self.train_sets, self.plan.steps
        )
        with convolutions, contextlib.closing(FittingSteps(self.setup, self.steps, batches, self.run.emit)) as steps:
            return self.go_on(steps)

    def reduced(self, of_sources: Sequence[Examples]) -> list[Examples]:
        """The examples as heads on a frozen body see them."""
        return [
            reduce(
                source.objective,
                examples,
                self.setup.accelerator,
                self.run.should_stop,
                self.portions(i, source.objective.evaluation_batch_size),
            )
            for i, (source, examples) in enumerate(zip(self.sources, of_sources, strict=True))
        ]

    def portions(self, source: int, most: int) -> Portions:
        """Of examples of a source that are judged, or asked about, at once."""
        return Portions(
            most,
            lambda size, reason: self.run.emit(
                MicroBatchHalved(
                    step=self.progress.step,
                    micro_batch_size=size,
                    reason=reason,
                    evaluating=True,
                    source=self.sources[source].name,
                )
            ),
        )

    def go_on(self, steps: FittingSteps) -> FitResult:
        """Train from where the progress stands to the end."""
        stop_requested = False
        self.method.train_mode()
        while True:
            if self.evaluation_due() and not stop_requested:
                stop_requested = not self.evaluate()
                self.method.train_mode()
            if self.finished() and not self.evaluation_due():
                return self.finish()
            if stop_requested:
                self.save()
                return FitResult(step=self.progress.step, cancelled=True)
            step = self.progress.step + 1
            sizes = steps.micro_batch_sizes
            stop_requested = steps.take(step).stop_requested
            self.progress = msgspec.structs.replace(self.progress, step=step)
            save = self.recovery.is_due(step)
            if steps.micro_batch_sizes != sizes:
                self.progress = msgspec.structs.replace(self.progress, micro_batch_sizes=steps.micro_batch_sizes)
                save = True
            if save or stop_requested or self.finished() or self.evaluation_due():
                stop_requested |= self.steps.settle()
            if save:
                self.save()

    def finished(self) -> bool:
        """Whether all steps are done, or evaluations have not got better for long enough."""
        patience = self.setup.options.patience
        out_of_patience = patience is not None and self.progress.evaluations_since_best >= patience
        return self.progress.step >= self.plan.steps or out_of_patience

    def evaluation_due(self) -> bool:
        """Whether the weights are to be judged before the next step."""
        if not any(map(len, self.eval_sets)) or self.progress.evaluated_step == self.progress.step:
            return False
        return self.progress.step % self.plan.eval_steps == 0 or self.finished()

    def evaluate(self) -> bool:
        """Judge the weights, and keep them where they are the best so far; False where a stop was asked for."""
        evaluations = []
        judged = zip(self.sources, self.eval_sets, self.shown, self.judged_at_once, strict=True)
        for source, eval_set, shown, portions in judged:
            evaluation: Evaluation | None = Evaluation({}, ())
            if len(eval_set):
                evaluation = evaluate(self.setup, source, eval_set, portions, shown)
            if evaluation is None:
                return False
            evaluations.append(evaluation)
        step, before = self.progress.step, self.progress.best
        of_all = Judged(step, tuple(finite(evaluation.metrics) for evaluation in evaluations))
        history = () if len(self.sources) == 1 else (*self.progress.history, of_all)
        better = before is None or is_better(self.sources, of_all, before, history, self.mixing.best_by)
        if self.setup.private:  # to choose weights by rows would tell of these rows
            better = self.finished()
        own_best = own_best_steps(self.sources, history, self.mixing.kept_sources)
        if better or step in own_best.values():
            self.recovery.save_best(step)
        if better:
            self.best_counted = [one.judged if self.run.rank == 0 else None for one in evaluations]
        self.progress = msgspec.structs.replace(
            self.progress,
            own_best=own_best,
            evaluated_step=step,
            best=best_of(self.sources, of_all, [one.report for one in evaluations]) if better else before,
            evaluations_since_best=0 if better else self.progress.evaluations_since_best + 1,
            history=history,
            evaluation_batch_sizes=tuple(portions.most for portions in self.judged_at_once),
        )
        self.recovery.forget_worse(self.progress)
        for source, rows, evaluation in zip(self.sources, self.eval_rows, evaluations, strict=True):
            if rows:
                self.run.emit(
                    EvaluationCompleted(
                        step=step,
                        metrics=evaluation.metrics,
                        rows=rows,
                        best=better,
                        pictures=evaluation.pictures,
                        sample=evaluation.sample,
                        source=source.name,
                    )
                )
        return True

    def save(self) -> None:
        """Write a checkpoint, from which the training can go on without what the best figures were computed of."""
        self.settle_intervals()
        self.recovery.save(self.progress)

    def settle_intervals(self) -> None:
        """Find the intervals of the best figures, where they are not known yet."""
        if self.progress.best and self.best_counted:
            best = with_intervals(self.sources, self.progress.best, self.best_counted)
            self.progress, self.best_counted = msgspec.structs.replace(self.progress, best=best), ()

    def finish(self) -> FitResult:
        """Export the best weights, or the last ones where nothing was evaluated."""
        self.settle_intervals()
        best, module, private = self.progress.best, self.setup.learner.module, self.setup.private
        if self.setup.is_sharded:
            gather(module, here=self.run.rank == 0)
        if self.run.rank == 0:
            export(self.setup, self.recovery, self.progress)
        return FitResult(
            step=self.progress.step,
            metrics=best.metrics if best else {},
            intervals=best.intervals if best else {},
            best_step=best.step if best else None,
            report=(*(best.report if best else ()), *(self.statement(private) if private else ())),
            labels=self.sources[0].run.labels,
            task=self.sources[0].objective.task,
            parameters=sum(p.numel() for p in module.parameters()) - len(self.setup.learner.log_variances),
            sources=results(self.sources, self.progress),
        )

    def statement(self, private: Private) -> Report:
        """What the result promises of the rows that it learnt from."""
        step, (held_out,) = self.progress.step, self.eval_rows
        return privacy_statement(private, step=step, parent=self.run.card.name, held_out=held_out)
