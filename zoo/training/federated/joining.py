"""A site: it fetches weights, trains them on rows that stay here, and brings them back, round after round."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import torch

from zoo.errors import RunFailed
from zoo.hyperparameters import FederationOptions
from zoo.metrics import finite
from zoo.metrics.intervals import intervals_of
from zoo.portions import Portions
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, MicroBatchHalved, RunPlanned, StepCompleted
from zoo.sites.membership import SiteMembership
from zoo.sites.messages import SLACK_BYTES, Figures, Refused, RoundState
from zoo.training import arithmetic
from zoo.training.checkpoint import Best, Progress
from zoo.training.evaluation import Evaluation, evaluate
from zoo.training.exporting import export
from zoo.training.federated.averaging import State, copied, put_back, travelling
from zoo.training.federated.client import Client, ClientLost, learn, plan_client, reduced
from zoo.training.federated.planning import federated_setup
from zoo.training.federated.rounds import Turn
from zoo.training.federated.travelling import check_agreed, pack, unpack
from zoo.training.objective import Objective
from zoo.training.optimizer import make_optimizer
from zoo.training.recovery import Recovery
from zoo.training.setup import TrainingSetup
from zoo.training.source import begin
from zoo.units import size

BEATS = 4
"""How often a client is heard of before it would be taken for one that is away."""
SHORTEST_BEAT_S = 0.25
MOST_REFUSALS = 10
"""In one round, after which a client gives up."""
CONFLICT = 409
_NOT_JOINED = "join"


def train_member(objective: Objective[Any], run: TrainingRun) -> FitResult:
    """Train an objective together with other sites, and leave what all have learnt in `run.model_folder`.

    Args:
        objective: what all learn; it has seen no rows.
        run: its only client has the rows that stay here.

    Raises:
        Unsupported: sites cannot agree on the network, or the server has another one.
        RunFailed: nothing came of the federation.
    """
    check_agreed(objective)
    assert run.membership is not None
    assert run.federation is not None
    with arithmetic.products(torch.device(run.device), exact=run.exact):
        setup = federated_setup(objective, run)
        client = plan_client(setup, run.clients[0], run.membership.terms.number, run.federation)
        begin(setup.sources, setup.method.module)
        try:
            return Site(setup, client).fit()
        finally:
            run.membership.client.leave()
            run.membership.client.close()


class Site:
    """One attempt: what the server asks for is done until it has finished.

    Args:
        setup: of all clients.
        client: this one.
    """

    def __init__(self, setup: TrainingSetup, client: Client) -> None:
        run = setup.run
        assert run.membership is not None
        assert run.federation is not None
        self.setup, self.run, self.module, self.client = setup, run, setup.method.module, client
        self.member: SiteMembership = run.membership
        self.federation: FederationOptions = run.federation
        self.weights: State = {}
        self.sent: frozenset[str] = frozenset()
        self.micro_batch_size = client.setup.plan.micro_batch_size
        self.evaluation_batch_size = client.source.objective.evaluation_batch_size
        self.step = 0
        self.loss: float | None = None

    def fit(self) -> FitResult:
        """Take part until the end, or until a stop is asked for."""
        self.module.to(self.setup.accelerator.device)
        self.weights = copied(self.module)
        self.setup.method.train_mode()
        self.sent = travelling(self.module)
        self.plan()
        if self.setup.method.body_is_frozen:
            self.client = reduced(self.client, self.portions())
        self.join()
        seen, number, refusals = "", 0, 0
        while not self.run.should_stop():
            try:
                state = self.member.client.state(seen)
                if state.number != number:
                    number, refusals = state.number, 0
                if state.phase == "failed":
                    raise RunFailed(f"the server gave up: {state.message}", "join again when it serves again")
                if state.phase == "finished":
                    return self.finish(state)
                if (state.trains or state.judges) and not self.work(state):
                    break
                seen = state.tag
            except Refused as refused:
                if refused.word == _NOT_JOINED:
                    self.join()
                else:  # the round has gone on meanwhile, or what was sent is not taken
                    refusals += 1
                    self.refused(refused, refusals)
                seen = ""
        return FitResult(step=self.step, cancelled=True)

    def refused(self, refused: Refused, times: int) -> None:
        """Tell of a refusal, and wait before asking again.

        Args:
            refused: why.
            times: there was one in this round.

        Raises:
            RunFailed: there were too many.
        """
        if times >= MOST_REFUSALS:
            raise RunFailed(
                f"the server, or something before it, refuses {times} times in a row: {refused.word}",
                "ask whoever serves; zoo resume joins again",
            )
        self.run.warn(f"the server refuses: {refused.word}")
        self.member.client.pause(times - 1)

    def plan(self) -> None:
        """Tell what will be done, and what leaves this machine."""
        plan, name = self.client.setup.plan, self.member.terms.client
        counts = [(parameter.numel(), parameter.requires_grad) for parameter in self.module.parameters()]
        self.run.emit(
            RunPlanned(
                steps=plan.steps,
                epochs=plan.epochs,
                batch_size=plan.batch_size,
                micro_batch_size=plan.micro_batch_size,
                parameters=sum(count for count, _ in counts),
                trainable_parameters=sum(count for count, trained in counts if trained),
                lr=plan.lr,
            )
        )
        sent = size(sum(self.weights[one].nbytes for one in self.sent))
        self.run.note(f"{name} sends {sent} of weights in a round, how many rows it has, and figures; no row is sent")

    def join(self) -> None:
        """Tell the server who takes part.

        Raises:
            RunFailed: it refuses.
        """
        own = msgspec.structs.replace(self.member.own, rows=self.client.rows, eval_rows=self.client.eval_rows)
        try:
            self.member.client.join(own)
        except Refused as refused:
            name = self.member.terms.client
            raise RunFailed(f"the server refuses {name}: {refused.word}", "ask whoever serves") from refused

    def heard(self) -> contextlib.AbstractContextManager[None]:
        """Let the server hear of the client while it fetches weights and computes."""
        return self.member.client.heard(max(SHORTEST_BEAT_S, self.member.terms.away_s / BEATS))

    def fetch(self, state: RoundState) -> None:
        """Begin with the weights of a round.

        Raises:
            RunFailed: they are of another network.
        """
        most = sum(self.weights[name].nbytes for name in self.sent) + SLACK_BYTES
        content = self.member.client.weights(state, most)
        try:
            self.weights |= unpack(content, self.weights, self.sent)
        except Refused as refused:
            raise RunFailed(f"the weights of the server are not taken: {refused.word}", "join again") from refused
        put_back(self.module, self.weights)

    def work(self, state: RoundState) -> bool:
        """Judge and train the weights of a round, as is asked; False where a stop was asked for."""
        with self.heard():
            self.fetch(state)
            if state.judges:
                judged = self.judge()
                if judged is None:
                    return False
                figures = finite(judged.metrics)
                self.run.emit(EvaluationCompleted(step=self.step, metrics=figures, rows=self.client.eval_rows))
                self.member.client.judge(state.number, Figures(rows=self.client.eval_rows, metrics=figures))
            return not state.trains or self.train(state.number)

    def judge(self) -> Evaluation | None:
        """How good the weights are on the rows that are held out here; None where a stop was asked for."""
        portions = self.portions()
        judged = evaluate(self.client.setup, self.client.source, self.client.eval, portions)
        self.evaluation_batch_size = portions.most
        return judged

    def train(self, number: int) -> bool:
        """Take the steps of a round, and bring what came of them; False where a stop was asked for."""
        steps, before = self.client.steps, (number - 1) * self.client.steps
        turn = Turn(number, 0, before + 1, steps, before)
        try:
            learnt = learn(self.client, turn, self.federation, self.weights, self.micro_batch_size, self.told)
        except ClientLost as lost:
            self.run.warn(f"round {number}: nothing is sent: {lost}")
            self.member.client.lose(number, lost.public)
            return True
        if learnt is None:
            return False
        state, self.micro_batch_size = learnt
        self.step = turn.last
        try:
            self.member.client.send(number, pack(state, self.sent, self.loss).content)
        except Refused as refused:
            if refused.status != CONFLICT:  # it may never have come to the server
                with contextlib.suppress(Refused):  # or it did, and the server knows
                    self.member.client.lose(number, f"its weights are not taken: HTTP {refused.status}")
            raise
        return True

    def told(self, event: AnyEvent) -> None:
        """Tell of a step as it is; its loss goes along with the weights."""
        if isinstance(event, StepCompleted):
            self.loss = event.loss
        self.run.emit(event)

    def portions(self) -> Portions:
        """Of the examples that are judged, or asked about, at once."""

        def halved(most: int, reason: str) -> None:
            self.run.emit(MicroBatchHalved(step=self.step, micro_batch_size=most, reason=reason, evaluating=True))

        return Portions(self.evaluation_batch_size, halved)

    def finish(self, state: RoundState) -> FitResult:
        """Take what all have learnt home."""
        judged: Evaluation | None = Evaluation({}, ())
        with self.heard():
            self.fetch(state)
            if self.client.eval_rows:
                judged = self.judge()
        if judged is None:
            return FitResult(step=self.step, cancelled=True)
        metrics = finite(judged.metrics)
        intervals = {} if judged.judged is None else intervals_of(judged.judged)
        best = Best(step=self.step, metrics=metrics, report=judged.report, intervals=intervals) if metrics else None
        parameters = sum(parameter.numel() for parameter in self.setup.learner.module.parameters())
        recovery = Recovery(self.setup, make_optimizer(self.module, self.setup.plan.lr, 0.0))
        export(self.setup, recovery, Progress(step=self.step, best=best))
        objective = self.setup.sources[0].objective
        return FitResult(
            step=self.step,
            metrics=metrics,
            intervals=intervals,
            best_step=self.step if metrics else None,
            report=judged.report,
            labels=self.run.labels,
            task=objective.task,
            parameters=parameters,
        )
