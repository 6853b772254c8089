"""A client: its rows, and the training of one of its turns, step for step that of any other run."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import torch
from torch import nn

from zoo.errors import DatasetInvalid, RunFailed
from zoo.hyperparameters import FederationOptions, TrainingOptions
from zoo.portions import Portions
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, MicroBatchHalved, StepCompleted, Warned
from zoo.runs.source_facts import SourceStep
from zoo.training.engine import encoded_rows
from zoo.training.examples import EncodedExamples, Examples
from zoo.training.federated.averaging import State, copied, is_finite
from zoo.training.federated.rounds import Turn
from zoo.training.frozen import reduce
from zoo.training.loader import TrainingBatches
from zoo.training.optimizer_step import OptimizerSteps
from zoo.training.out_of_memory import FittingSteps
from zoo.training.plan import Demand, make_plan
from zoo.training.seeding import mix
from zoo.training.setup import TrainingSetup
from zoo.training.source import Source

_SEEDS = 2**32


@dataclass(frozen=True)
class Client:
    """One of those that learn together."""

    setup: TrainingSetup
    """Of all its turns, as if these were one training that goes on from round to round."""
    train: Examples
    eval: Examples
    steps: int
    """In a round."""
    rows: int
    """That it learns from; as often its weights count."""
    eval_rows: int

    @property
    def name(self) -> str:
        """Its own."""
        return self.setup.run.source

    @property
    def source(self) -> Source:
        """What it learns."""
        return self.setup.sources[0]


class ClientLost(Exception):
    """Nothing that could be used came of a turn; the message says why.

    Args:
        message: for whoever has the rows.
        public: for others: words that name nothing the client has.
    """

    def __init__(self, message: str, public: str) -> None:
        super().__init__(message)
        self.public = public


def make_client(setup: TrainingSetup, train: EncodedExamples, evaluation: EncodedExamples, steps: int) -> Client:
    """A client whose rows are encoded."""
    eval_rows = len({id(example) for example in evaluation.examples})
    return Client(setup, train, evaluation, steps, rows=len(train), eval_rows=eval_rows)


def plan_client(setup: TrainingSetup, of_client: TrainingRun, number: int, federation: FederationOptions) -> Client:
    """A client, with what it will do in all rounds; its random draws are its own.

    Args:
        setup: of all clients; what is planned in it is not looked at, but for the learning rate.
        of_client: its rows.
        number: 1-based, among all.
        federation: says how long it trains.

    Raises:
        DatasetInvalid: it has no rows that can be used.
    """
    objective, options, lr = setup.sources[0].objective, setup.options, setup.plan.lr
    seeded: TrainingOptions = msgspec.structs.replace(options, seed=mix(options.seed, number) % _SEEDS)
    own = Source(objective=objective, run=dataclasses.replace(of_client, options=seeded))
    train_set, eval_set = encoded_rows(own)
    if seeded.micro_batch_size:
        seeded = msgspec.structs.replace(seeded, micro_batch_size=min(seeded.micro_batch_size, len(train_set)))
    demand = Demand(len(train_set), objective)
    once = make_plan(msgspec.structs.replace(seeded, epochs=1.0), [demand], lr=lr, world_size=1)
    steps = max(1, math.ceil(federation.local_epochs * once.steps_per_epoch - 1e-9))
    of_all = msgspec.structs.replace(seeded, max_steps=federation.rounds * steps)
    plan = make_plan(of_all, [demand], lr=lr, world_size=1)
    return make_client(dataclasses.replace(setup, sources=(own,), run=own.run, plan=plan), train_set, eval_set, steps)


def reduced(client: Client, portions: Portions) -> Client:
    """The client as a head on a frozen body sees it; portions say how many examples that is asked about at once."""
    objective, setup = client.source.objective, client.setup
    train, held_out = (
        reduce(objective, rows, setup.accelerator, setup.run.should_stop, portions)
        for rows in (client.train, client.eval)
    )
    return dataclasses.replace(client, train=train, eval=held_out)


def learn(
    client: Client,
    turn: Turn,
    federation: FederationOptions,
    start: State,
    micro_batch_size: int,
    emit: Callable[[AnyEvent], None],
) -> tuple[State, int] | None:
    """Take the steps of a turn.

    Args:
        client: whose turn it is; its module has the weights that all begin with.
        turn: which one.
        federation: whether it is pulled back to these.
        start: these weights.
        micro_batch_size: examples computed at once.
        emit: is told.

    Returns:
        What all is afterwards, and how many examples are computed at once by then; None where a stop was asked for.

    Raises:
        ClientLost: the loss diverged, or weights are no numbers any more.
    """
    run = dataclasses.replace(client.setup.run, emit=emit)
    setup = dataclasses.replace(client.setup, run=run, sources=(dataclasses.replace(client.source, run=run),))
    setup.method.train_mode()
    steps = OptimizerSteps(setup, emit, last=turn.last)
    if federation.mu is not None:
        _pull_back(steps.optimizer, setup.method.module, start, federation.mu)
    batches = TrainingBatches(setup, [client.train], [min(micro_batch_size, setup.plan.micro_batch_size)])
    with contextlib.closing(steps), contextlib.closing(FittingSteps(setup, steps, batches, emit)) as fitting:
        try:
            for step in range(turn.first, turn.last + 1):
                if fitting.take(step).stop_requested:
                    return None
            if steps.settle():
                return None
        except DatasetInvalid as failure:
            raise ClientLost(failure.message, "its data cannot be read") from failure
        except RunFailed as failure:
            raise ClientLost(failure.message, "the loss diverged, or memory ran out") from failure
        sizes = fitting.micro_batch_sizes
    state = copied(setup.method.module)
    if not is_finite(state):
        raise ClientLost("its weights are not finite", "its weights are not finite")
    return state, sizes[0]


def _pull_back(optimizer: torch.optim.Optimizer, module: nn.Module, start: State, mu: float) -> None:
    """Let the gradient have that of mu / 2 times the squared distance to weights (Li et al. 2020, arXiv:1812.06127)."""
    anchors = [
        (parameter, start[name].to(parameter.device, copy=True))
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    ]

    def pull(*_: Any) -> None:
        for parameter, anchor in anchors:
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - anchor, alpha=mu)

    optimizer.register_step_pre_hook(pull)


def turn_reporter(
    emit: Callable[[AnyEvent], None],
    client: Client,
    turn: Turn,
    *,
    steps: int,
    epochs: float,
    epsilon: float | None = None,
) -> Callable[[AnyEvent], None]:
    """What reports a turn as a part of the whole run.

    Args:
        emit: is told.
        client: whose turn it is.
        turn: which one.
        steps: of the whole run.
        epochs: likewise.
        epsilon: that is spent when the round of the turn is over; None where it is not private.
    """
    whole = {"steps": steps, "epsilon": epsilon}
    return partial(_report, emit, client.name, turn, epochs, whole)


def _report(
    emit: Callable[[AnyEvent], None],
    name: str,
    turn: Turn,
    epochs: float,
    whole: Mapping[str, Any],
    event: AnyEvent,
) -> None:
    match event:
        case StepCompleted():
            done = turn.begin + event.step - turn.first + 1
            own = SourceStep(name, event.epoch, event.loss)
            epoch = epochs * done / whole["steps"]
            emit(msgspec.structs.replace(event, step=done, epoch=epoch, sources=(own,), **whole))
        case MicroBatchHalved():
            emit(msgspec.structs.replace(event, step=turn.begin + event.step - turn.first + 1, source=name))
        case Warned():
            emit(msgspec.structs.replace(event, message=f"round {turn.round}, {name}: {event.message}"))
        case _:
            emit(event)
