"""Rounds: clients train from the same weights, the mean of what comes of them is judged, and the next round begins."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import torch

from zoo.blocks import Report, Table
from zoo.errors import DatasetInvalid, RunFailed
from zoo.hyperparameters import FederationOptions
from zoo.metrics import finite, report_of
from zoo.plurals import counted
from zoo.portions import Portions
from zoo.privacy import USUAL_CLIENT_CLIP, privacy_of
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import CheckpointSaved, EvaluationCompleted, MicroBatchHalved, RunPlanned
from zoo.runs.source_facts import SourceResult
from zoo.training import arithmetic, checkpoint
from zoo.training.checkpoint import Judged, Progress
from zoo.training.engine import begin_training
from zoo.training.evaluation import Evaluation, evaluate
from zoo.training.exporting import export
from zoo.training.federated.averaging import Average, State, copied, put_back, travelling
from zoo.training.federated.client import Client, ClientLost, learn, plan_client, reduced, turn_reporter
from zoo.training.federated.planning import (
    epochs_of,
    federated_setup,
    how_it_was_learnt,
    plan_of,
    try_out_client,
)
from zoo.training.federated.private import PrivateRounds, plan_private_rounds, rounds_statement, seed_of
from zoo.training.federated.rounds import Turn, all_rounds
from zoo.training.objective import Objective
from zoo.training.optimizer import make_optimizer
from zoo.training.private.plan import tell_noise
from zoo.training.recovery import AUTO_SAVE_S, Recovery
from zoo.training.setup import TrainingSetup
from zoo.training.standing import best_of, is_better, with_intervals
from zoo.units import size


def train_clients(objective: Objective[Any], run: TrainingRun) -> FitResult:
    """Train an objective on the rows of clients that keep them, and leave the result in `run.model_folder`.

    Args:
        objective: what all learn.
        run: its clients have the rows.

    Raises:
        DatasetInvalid: no client has rows that can be used.
        RunFailed: nothing came of any client in a round.
    """
    with arithmetic.products(torch.device(run.device), exact=run.exact):
        return _train(objective, run)


def _train(objective: Objective[Any], run: TrainingRun) -> FitResult:
    federation, privacy = run.federation, privacy_of(run.options, USUAL_CLIENT_CLIP)
    assert federation is not None
    setup = federated_setup(objective, run)
    clients: list[Client] = []
    for number, of_client in enumerate(run.clients, start=1):
        own = seed_of(of_client.source) if privacy else number
        try:
            clients.append(plan_client(setup, of_client, own, federation))
        except DatasetInvalid as error:
            run.warn(f"{of_client.source} is left out: {error.message}")
    if not clients:
        raise DatasetInvalid("no client has rows that can be used", "quarantine.jsonl in the run's folder says why")
    setup = dataclasses.replace(setup, plan=clients[0].setup.plan)
    private = plan_private_rounds(privacy, run, federation, len(clients)) if privacy else None
    steps = [client.steps for client in clients]
    rounds = all_rounds(federation, setup.options.seed, steps, private.drawn if private else None)
    if not rounds:
        raise RunFailed(
            f"no client was drawn in any of {counted(federation.rounds, 'round')}: each of the {len(clients)} is with "
            f"probability {federation.share:g}",
            "a larger --share, or more --rounds; a new run draws anew",
        )
    planned = plan_of(setup, clients, rounds, private.planned if private else None)
    run.emit(planned)
    begin_training(setup, is_private=private is not None)
    if private and (remark := private.remark(setup.method.module)):
        run.warn(remark)
    if run.dry_run:
        try_out_client(run, planned, max(clients, key=lambda client: client.rows))
        return FitResult(step=0)
    return FederatedTraining(setup, clients, rounds, federation, planned, private).fit()


class FederatedTraining:
    """One attempt: the turns of clients, averages, evaluations and checkpoints."""

    def __init__(
        self,
        setup: TrainingSetup,
        clients: Sequence[Client],
        rounds: Sequence[Sequence[Turn]],
        federation: FederationOptions,
        planned: RunPlanned,
        private: PrivateRounds | None = None,
    ) -> None:
        self.setup, self.run, self.module = setup, setup.run, setup.method.module
        self.clients, self.rounds, self.federation, self.planned = clients, rounds, federation, planned
        self.private = private
        self.recovery = Recovery(setup, make_optimizer(self.module, setup.plan.lr, 0.0))
        self.progress = Progress()
        self.average = Average()
        self.weights: State = {}
        """That the clients of the round begin with."""
        self.saved_at, self.saved_step = time.monotonic(), 0

    def fit(self) -> FitResult:
        """Train from the newest checkpoint to the end, or until a stop is asked for."""
        self.module.to(self.setup.accelerator.device)
        self.weights = copied(self.module)
        self.restore()
        self.setup.method.train_mode()
        sent = travelling(self.module, statistics=self.private is None)
        self.release(sent, self.rounds[0][0].round - 1)
        bytes_sent = sum(tensor.nbytes for name, tensor in self.weights.items() if name in sent)
        self.tell_bytes(bytes_sent)
        if self.setup.method.body_is_frozen:
            self.clients = [reduced(client, self.portions(client)) for client in self.clients]
        for turns in self.rounds:
            if self.out_of_patience():
                break
            if self.progress.evaluated_step >= turns[-1].end:
                continue
            for turn in turns:
                if turn.end > self.progress.step and not self.take(turn, sent, is_last=turn is turns[-1]):
                    return self.stop()
            self.release(sent, self.until(turns))
            if not self.judge(turns):
                return self.stop()
            self.save()
        return self.finish(bytes_sent)

    def restore(self) -> None:
        """Go on from the newest checkpoint that is whole."""
        loaded = checkpoint.load_newest(self.run.checkpoints_folder, self.run.labels)
        if loaded is None:
            return
        for refusal in loaded.refused:
            self.run.warn(refusal)
        if loaded.model.shapes:
            checkpoint.load_trainable_state(self.module, loaded.model)
            sums = {name: loaded.optimizer.read(name) for name in loaded.optimizer.shapes}
            self.weights, self.average, self.progress = copied(self.module), Average(sums), loaded.progress
            self.saved_step = self.progress.step
            if self.private is not None:
                self.private.go_on(self.progress.spent or self.private.history(0))
                tell_noise(self.run, self.planned, self.private)

    def until(self, turns: Sequence[Turn]) -> int:
        """The last of the rounds before somebody has a turn again: the one of these turns, and those of nobody."""
        later = next((others for others in self.rounds if others[0].round > turns[0].round), None)
        return later[0].round - 1 if later else self.federation.rounds

    def release(self, sent: frozenset[str], until: int) -> None:
        """Let weights have what came of private rounds up to one, and their noise, unless they have it already."""
        done = self.progress.spent[0][2] if self.progress.spent else 0
        if self.private is not None and done < until:
            numbers = range(done + 1, until + 1)
            self.weights = self.private.released(self.weights, self.average, sent, numbers)
            self.average = Average()
            self.progress = msgspec.structs.replace(self.progress, spent=self.private.history(until))

    def save(self) -> None:
        """Write a checkpoint: the weights that the clients of the round begin with, and what came of them so far."""
        step = self.progress.step
        size_bytes = checkpoint.save(
            self.run.checkpoints_folder, progress=self.progress, model=self.weights, optimizer=self.average.state()
        )
        self.saved_at, self.saved_step = time.monotonic(), step
        self.run.emit(CheckpointSaved(step=step, size_bytes=size_bytes))

    def is_due(self) -> bool:
        """Whether it is time for a checkpoint within a round."""
        save_steps = self.setup.options.save_steps
        if save_steps is not None:
            return self.progress.step - self.saved_step >= save_steps
        return time.monotonic() - self.saved_at >= AUTO_SAVE_S

    def stop(self) -> FitResult:
        """Leave off; what the client whose turn it is has learnt is forgotten."""
        self.save()
        return FitResult(step=self.progress.step, cancelled=True)

    def tell_bytes(self, bytes_sent: int) -> None:
        """How much would travel, were the clients elsewhere."""
        most = max(map(len, self.rounds))
        self.run.note(
            f"{size(bytes_sent)} go to a client and as much comes back, "
            f"{size(2 * bytes_sent * most)} in a round of {counted(most, 'client')}: weights that learn, and no rows"
        )

    def portions(self, client: Client) -> Portions:
        """Of the examples of a client that are judged, or asked about, at once."""
        most = self.progress.evaluation_batch_sizes or (client.source.objective.evaluation_batch_size,)

        def halved(size: int, reason: str) -> None:
            self.progress = msgspec.structs.replace(self.progress, evaluation_batch_sizes=(size,))
            step = self.progress.step
            self.run.emit(
                MicroBatchHalved(step=step, micro_batch_size=size, reason=reason, evaluating=True, source=client.name)
            )

        return Portions(most[0], halved)

    def take(self, turn: Turn, sent: frozenset[str], *, is_last: bool) -> bool:
        """Let a client train; False where a stop was asked for."""
        client = self.clients[turn.client]
        spent = self.private.spent(self.until([turn])) if self.private else None
        emit = turn_reporter(
            self.run.emit, client, turn, steps=self.planned.steps, epochs=self.planned.epochs, epsilon=spent
        )
        put_back(self.module, self.weights)
        sizes = self.progress.micro_batch_sizes or (client.setup.plan.micro_batch_size,)
        try:
            learnt = learn(client, turn, self.federation, self.weights, max(sizes), emit)
        except ClientLost as lost:
            self.run.warn(f"round {turn.round}: {client.name} is left out: {lost}")
            lost_turns = (*self.progress.lost_turns, turn.end)
            self.progress = msgspec.structs.replace(self.progress, lost_turns=lost_turns)
        else:
            if learnt is None:
                return False
            state, micro_batch_size = learnt
            if micro_batch_size < min(max(sizes), client.setup.plan.micro_batch_size):
                self.progress = msgspec.structs.replace(self.progress, micro_batch_sizes=(micro_batch_size,))
            self.take_in(turn, {name: state[name] for name in sent})
        self.progress = msgspec.structs.replace(self.progress, step=turn.end)
        if not is_last and self.is_due():
            self.save()
        return True

    def take_in(self, turn: Turn, state: State) -> None:
        """Add what came of a turn to the average."""
        client = self.clients[turn.client]
        if self.private is None:
            self.average.add(self.weights, state, client.rows)
            return
        clip = self.private.privacy.clip
        norm = self.average.add_shortened(self.weights, state, clip)
        shortened = f", shortened to {clip:g}" if norm > clip else ""
        self.run.note(f"round {turn.round}: {client.name} moved the weights by {norm:.3g}{shortened}")

    def judge(self, turns: Sequence[Turn]) -> bool:
        """Average what came of a round, and judge it; False where a stop was asked for.

        Raises:
            RunFailed: nothing came of it.
        """
        step = turns[-1].end
        if self.private is not None:
            pass  # a round of which nothing came is one of noise
        elif self.average.rows:
            self.weights = self.average.applied_to(self.weights)
            self.average = Average()
        elif self.saved_step != step:  # otherwise the average is what was saved
            raise RunFailed(
                f"round {turns[0].round}: nothing came of any of {counted(len(turns), 'client')}",
                f"use a smaller --lr (it was {self.setup.plan.lr:g}); the warnings say more of each client",
            )
        put_back(self.module, self.weights)
        if not any(len(client.eval) for client in self.clients):
            self.progress = msgspec.structs.replace(self.progress, evaluated_step=step)
            return True
        evaluations = []
        for client in self.clients:
            judged: Evaluation | None = Evaluation({}, ())
            if len(client.eval):
                portions = self.portions(client)
                judged = evaluate(client.setup, client.source, client.eval, portions)
            if judged is None:
                return False
            evaluations.append(judged)
        self.account_for(step, evaluations)
        return True

    def account_for(self, step: int, evaluations: Sequence[Evaluation]) -> None:
        """Keep the weights where they are the best so far, and tell of the evaluation."""
        source, before = self.setup.sources[0], self.progress.best
        metrics = source.objective.metrics()
        for evaluation in evaluations:
            if evaluation.judged is not None:
                metrics.merge(evaluation.judged)
        whole = Judged(step, (finite(metrics.compute()),))
        better = before is None or is_better((source,), whole, before, ())
        if self.private is not None:  # to choose weights by rows would tell of these rows
            better = step == self.rounds[-1][-1].end
        best = before
        if better:
            self.recovery.save_best(step)
            best = with_intervals((source,), best_of((source,), whole, [report_of(metrics)]), [metrics])
        of_clients = tuple(finite(evaluation.metrics) for evaluation in evaluations)
        self.progress = msgspec.structs.replace(
            self.progress,
            evaluated_step=step,
            best=best,
            evaluations_since_best=0 if better else self.progress.evaluations_since_best + 1,
            history=(Judged(step, of_clients),) if better else self.progress.history,
        )
        rows = sum(client.eval_rows for client in self.clients)
        self.run.emit(EvaluationCompleted(step=step, metrics=whole.metrics[0], rows=rows, best=better))
        for client, figures in zip(self.clients, of_clients, strict=True):
            if client.eval_rows:
                self.run.emit(
                    EvaluationCompleted(
                        step=step, metrics=figures, rows=client.eval_rows, best=better, source=client.name
                    )
                )

    def out_of_patience(self) -> bool:
        """Whether rounds have not got better for long enough."""
        patience = self.setup.options.patience
        return patience is not None and self.progress.evaluations_since_best >= patience

    def finish(self, bytes_sent: int) -> FitResult:
        """Export the weights of the best round, or of the last one where nothing was held out."""
        best = self.progress.best
        put_back(self.module, self.weights)
        parameters = sum(parameter.numel() for parameter in self.setup.learner.module.parameters())
        export(self.setup, self.recovery, self.progress)
        kept = self.progress.history[0].metrics if self.progress.history else [{} for _ in self.clients]
        task = self.setup.sources[0].objective.task or self.run.task.name
        return FitResult(
            step=self.progress.step,
            metrics=best.metrics if best else {},
            intervals=best.intervals if best else {},
            best_step=best.step if best else None,
            report=(*self.described(kept, bytes_sent), *(best.report if best else ())),
            labels=self.run.labels,
            task=self.setup.sources[0].objective.task,
            parameters=parameters,
            sources=tuple(
                SourceResult(name=client.name, task=task, metrics=figures, epochs=epochs)
                for client, figures, epochs in zip(self.clients, kept, self.epochs(), strict=True)
            ),
        )

    def epochs(self) -> list[float]:
        """How often each client went through its rows so far, without the turns of which nothing came."""
        learnt = [
            turn
            for of_round in self.rounds
            for turn in of_round
            if turn.end <= self.progress.step and turn.end not in self.progress.lost_turns
        ]
        return epochs_of(self.clients, learnt)

    def described(self, kept: Sequence[dict[str, float]], bytes_sent: int) -> Report:
        """How it was learnt, and what each client has of it."""
        turns = [turn for of_round in self.rounds for turn in of_round if turn.end <= self.progress.step]
        rounds = max(turn.round for turn in turns)
        metric = self.run.task.primary_metric
        rows = [
            (client.name, client.rows, client.eval_rows, figures.get(metric))
            for client, figures in zip(self.clients, kept, strict=True)
        ]
        told = how_it_was_learnt(
            self.federation,
            len(self.clients),
            self.federation.rounds if self.private else rounds,
            turns=len(turns),
            bytes_sent=bytes_sent,
            is_private=self.private is not None,
        )
        if self.private is not None:  # which clients there were, and what they have, is nobody's business
            held_out = sum(client.eval_rows for client in self.clients)
            return (told, *rounds_statement(self.private, parent=self.run.card.name, held_out=held_out))
        return (
            told,
            Table(title="clients", headers=("client", "rows", "held out", metric), rows=tuple(rows)),
        )
