"""The server of sites: weights go out, what comes back is averaged, and the best of all rounds is the result."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
import torch

from zoo.blocks import Report, Table
from zoo.errors import RunFailed
from zoo.hyperparameters import FederationOptions
from zoo.metrics import finite
from zoo.metrics.intervals import Interval, intervals_of
from zoo.plurals import counted
from zoo.portions import Portions
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import CheckpointSaved, EvaluationCompleted, RunPlanned, StepCompleted
from zoo.runs.source_facts import SourcePlanned, SourceResult, SourceStep
from zoo.sites.exchange import Brought, Exchange
from zoo.sites.messages import Figures, Phase, Refused
from zoo.training import arithmetic, checkpoint
from zoo.training.checkpoint import Best, Judged, Progress
from zoo.training.evaluation import evaluate
from zoo.training.examples import encode
from zoo.training.exporting import export
from zoo.training.federated.averaging import MOST_MOVED, Average, State, copied, is_near, put_back, travelling
from zoo.training.federated.planning import federated_setup, how_it_was_learnt
from zoo.training.federated.rounds import drawn
from zoo.training.federated.travelling import check_agreed, loss_of, pack, unpack
from zoo.training.objective import Objective
from zoo.training.optimizer import make_optimizer
from zoo.training.recovery import Recovery
from zoo.training.setup import TrainingSetup
from zoo.training.source import begin
from zoo.training.standing import is_better
from zoo.units import size


def serve_sites(objective: Objective[Any], run: TrainingRun) -> FitResult:
    """Let sites train an objective, and leave the result in `run.model_folder`.

    Args:
        objective: what all learn.
        run: has their meeting point; its rows to evaluate on, where it has any, judge what they learn.

    Raises:
        Unsupported: sites cannot agree on the network.
        RunFailed: too little came of them in a round.
    """
    check_agreed(objective)
    with arithmetic.products(torch.device(run.device), exact=run.exact):
        setup = federated_setup(objective, run)
        begin(setup.sources, setup.method.module)
        return ServedTraining(setup).fit()


class _Update(NamedTuple):
    """What came of a client."""

    state: State
    loss: float | None


class ServedTraining:
    """One attempt: rounds, averages, figures and checkpoints.

    Args:
        setup: of all clients.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        run = setup.run
        assert run.exchange is not None
        assert run.federation is not None
        self.setup, self.run, self.module = setup, run, setup.method.module
        self.exchange: Exchange = run.exchange
        self.federation: FederationOptions = run.federation
        self.names = self.exchange.names
        self.recovery = Recovery(setup, make_optimizer(self.module, setup.plan.lr, 0.0))
        self.eval = encode(setup.sources[0].objective, run.eval, run.options, set_aside=run.set_aside)
        self.progress = Progress()
        self.weights: State = {}
        self.sent: frozenset[str] = frozenset()
        self.was_settled = False
        """Whether nothing was left to do but to give the result to those who have not fetched it."""

    def fit(self) -> FitResult:
        """Serve from the newest checkpoint to the end, or until a stop is asked for."""
        self.module.to(self.setup.accelerator.device)
        self.weights = copied(self.module)
        resumed = self.restore()
        self.setup.method.train_mode()
        self.sent = travelling(self.module)
        options, step = self.exchange.options, self.progress.step
        done = step >= self.federation.rounds or self.out_of_patience()
        self.was_settled = resumed and done and self.progress.evaluated_step >= step
        patience_s = options.away if resumed else options.deadline
        if not (self.was_settled or self.exchange.gather(patience_s)):  # those who have the result do not come again
            return self.stop()
        self.plan()
        try:
            return self.finish() if self.rounds() and self.close() else self.stop()
        except RunFailed as failure:
            self.exchange.fail(failure.message)
            raise

    def restore(self) -> bool:
        """Go on from the newest checkpoint that is whole; whether there is one."""
        loaded = checkpoint.load_newest(self.run.checkpoints_folder, self.run.labels)
        if loaded is None:
            return False
        for refusal in loaded.refused:
            self.run.warn(refusal)
        if loaded.model.shapes:
            checkpoint.load_trainable_state(self.module, loaded.model)
            self.weights, self.progress = copied(self.module), loaded.progress
            self.exchange.remember(self.progress.client_rows)
        return True

    def save(self) -> None:
        """Write a checkpoint: the weights that the next round begins with."""
        step = self.progress.step
        known = {name: (one.rows, one.eval_rows) for name, one in self.exchange.memberships().items()}
        self.progress = msgspec.structs.replace(self.progress, client_rows=known)
        size_bytes = checkpoint.save(
            self.run.checkpoints_folder, progress=self.progress, model=self.weights, optimizer={}
        )
        self.run.emit(CheckpointSaved(step=step, size_bytes=size_bytes))

    def stop(self) -> FitResult:
        """Leave off; what came of a round that is not over is forgotten."""
        return FitResult(step=self.progress.step, cancelled=True)

    @property
    def bytes_sent(self) -> int:
        """To a client, and back."""
        return sum(self.weights[name].nbytes for name in self.sent)

    def plan(self) -> None:
        """Tell what will be done: a step is a round."""
        members, task = self.exchange.memberships(), self.run.task.name
        rows = {
            name: (members[name].rows, members[name].eval_rows) if name in members else (0, 0) for name in self.names
        }
        epochs = self.federation.rounds * self.federation.local_epochs
        counts = [(parameter.numel(), parameter.requires_grad) for parameter in self.module.parameters()]
        self.run.note(f"{size(self.bytes_sent)} go to a client and as much comes back: weights that learn, and no rows")
        self.run.emit(
            RunPlanned(
                steps=self.federation.rounds,
                epochs=epochs,
                batch_size=max(1, sum(train for train, _ in rows.values())),
                micro_batch_size=1,
                parameters=sum(count for count, _ in counts),
                trainable_parameters=sum(count for count, trained in counts if trained),
                lr=self.setup.plan.lr,
                sources=tuple(
                    SourcePlanned(name=name, task=task, rows=train, eval_rows=held_out, batch_size=1, epochs=epochs)
                    for name, (train, held_out) in rows.items()
                ),
            )
        )

    def offer(self, phase: Phase, number: int, **asked: Any) -> None:
        """Let clients fetch the weights, and ask for something."""
        packed = pack(self.weights, self.sent)
        self.exchange.begin(phase, number, packed.content, packed.sha256, **asked)

    def rounds(self) -> bool:
        """All that are left; False where a stop was asked for."""
        for number in range(self.progress.step + 1, self.federation.rounds + 1):
            if self.out_of_patience():
                break
            seed = self.setup.options.seed
            turns = [self.names[i] for i in drawn(len(self.names), self.federation.share, seed, number)]
            self.offer(
                "training", number, drawn=turns, judged=number > 1, check=partial(_received, self.weights, self.sent)
            )
            outcome = self.exchange.outcome()
            if outcome is None or not (number == 1 or self.judge(outcome.figures)):
                return False
            if self.out_of_patience():
                self.save()  # as judged: what is gone on with is at its end
                break
            self.average(number, outcome.updates)
            self.save()
        return True

    def close(self) -> bool:
        """Let clients judge the last round, and fetch the best; False where a stop was asked for."""
        step = self.progress.step
        if self.progress.evaluated_step < step:
            self.offer("closing", step + 1, judged=True)
            outcome = self.exchange.outcome()
            if outcome is None or not self.judge(outcome.figures):
                return False
            self.save()
        best = self.progress.best
        put_back(self.module, self.weights)
        if best is not None and best.step != step:
            self.recovery.load_best(best.step)
        self.weights = copied(self.module)
        self.offer("finished", step + 2)
        self.exchange.dismiss(again=self.was_settled)
        return True

    def average(self, number: int, brought: Mapping[str, Brought]) -> None:
        """Take the mean of what came of a round."""
        average = Average()
        for one in brought.values():
            average.add(self.weights, one.update.state, one.rows)
        self.weights = average.applied_to(self.weights)
        turns = self.progress.turns_averaged + len(brought)
        self.progress = msgspec.structs.replace(self.progress, step=number, turns_averaged=turns)
        epoch = number * self.federation.local_epochs
        known = [(one.rows, one.update.loss) for one in brought.values() if one.update.loss is not None]
        loss = sum(rows * loss for rows, loss in known) / sum(rows for rows, _ in known) if known else None
        self.run.emit(
            StepCompleted(
                step=number,
                steps=self.federation.rounds,
                epoch=epoch,
                loss=loss,
                lr=self.setup.plan.lr,
                grad_norm=None,
                samples_per_s=0.0,
                sources=tuple(SourceStep(name, epoch, one.update.loss) for name, one in brought.items()),
            )
        )
        self.run.note(f"round {number}: {counted(len(brought), 'client')} of {len(self.names)} averaged")

    def judge(self, figures: Mapping[str, Figures]) -> bool:
        """Account for how good the weights of the round before are; False where a stop was asked for.

        Figures of the rows of the run itself count alone, where it has any; otherwise the mean of those of the clients.
        """
        source, step = self.setup.sources[0], self.progress.step
        put_back(self.module, self.weights)
        rows, whole = sum(one.rows for one in figures.values()), _mean(figures)
        report: Report = ()
        intervals: dict[str, Interval] = {}
        if len(self.eval):
            judged = evaluate(self.setup, source, self.eval, Portions(source.objective.evaluation_batch_size))
            self.setup.method.train_mode()
            if judged is None:
                return False
            rows, report, whole = len(self.eval), judged.report, finite(judged.metrics)
            intervals = intervals_of(judged.judged) if judged.judged is not None else {}
        if not whole:
            self.progress = msgspec.structs.replace(self.progress, evaluated_step=step)
            return True
        newest, before = Judged(step, (whole,)), self.progress.best
        better = before is None or is_better((source,), newest, before, ())
        if better:
            self.recovery.save_best(step)
        of_clients = tuple(figures[name].metrics if name in figures else {} for name in self.names)
        self.progress = msgspec.structs.replace(
            self.progress,
            evaluated_step=step,
            best=Best(step=step, metrics=whole, report=report, intervals=intervals) if better else before,
            evaluations_since_best=0 if better else self.progress.evaluations_since_best + 1,
            history=(Judged(step, of_clients),) if better else self.progress.history,
        )
        self.run.emit(EvaluationCompleted(step=step, metrics=whole, rows=rows, best=better))
        for name, one in figures.items():
            self.run.emit(EvaluationCompleted(step=step, metrics=one.metrics, rows=one.rows, best=better, source=name))
        return True

    def out_of_patience(self) -> bool:
        """Whether rounds have not got better for long enough."""
        patience = self.setup.options.patience
        return patience is not None and self.progress.evaluations_since_best >= patience

    def finish(self) -> FitResult:
        """Export the weights of the best round, or of the last one where nothing was held out."""
        best, source = self.progress.best, self.setup.sources[0]
        parameters = sum(parameter.numel() for parameter in self.setup.learner.module.parameters())
        export(self.setup, self.recovery, self.progress)
        kept = self.progress.history[0].metrics if self.progress.history else [{} for _ in self.names]
        task = source.objective.task or self.run.task.name
        return FitResult(
            step=self.progress.step,
            metrics=best.metrics if best else {},
            intervals=best.intervals if best else {},
            best_step=best.step if best else None,
            report=(*self.described(kept), *(best.report if best else ())),
            labels=self.run.labels,
            task=source.objective.task,
            parameters=parameters,
            sources=tuple(
                SourceResult(name=name, task=task, metrics=metrics)
                for name, metrics in zip(self.names, kept, strict=True)
            ),
        )

    def described(self, kept: Any) -> Report:
        """How it was learnt, and what each client has of it."""
        members, metric = self.exchange.memberships(), self.run.task.primary_metric
        told = how_it_was_learnt(
            self.federation,
            len(self.names),
            self.progress.step,
            turns=self.progress.turns_averaged,
            bytes_sent=self.bytes_sent,
        )
        rows = [
            (name, members[name].rows, members[name].eval_rows, figures.get(metric))
            for name, figures in zip(self.names, kept, strict=True)
            if name in members
        ]
        return (told, Table(title="clients", headers=("client", "rows", "held out", metric), rows=tuple(rows)))


def _received(weights: State, sent: frozenset[str], content: bytes) -> _Update:
    """What came of a client, from the bytes that it sent.

    Raises:
        Refused: it cannot be averaged.
    """
    state = unpack(content, weights, sent)
    if not is_near(weights, state):
        raise Refused(422, f"its weights are more than {MOST_MOVED:g} from those of the round")
    return _Update(state, loss_of(content))


def _mean(figures: Mapping[str, Figures]) -> dict[str, float]:
    """The figures of all clients, weighted by the rows that they hold out; each of those who have it."""
    having: dict[str, list[Figures]] = {}
    for one in figures.values():
        for name in one.metrics:
            having.setdefault(name, []).append(one)
    return {
        name: sum(one.rows * one.metrics[name] for one in told) / sum(one.rows for one in told)
        for name, told in having.items()
    }
