"""What a federated training will do: steps, epochs and rows of each client, as all its rounds say."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec

from zoo.blocks import Paragraph
from zoo.hyperparameters import FederationOptions
from zoo.plurals import counted
from zoo.privacy import is_private
from zoo.runs.context import TrainingRun
from zoo.runs.events import PrivacyPlanned, RunPlanned
from zoo.runs.source_facts import SourcePlanned
from zoo.training.engine import learners, usual_lr
from zoo.training.federated.client import Client
from zoo.training.federated.rounds import Turn
from zoo.training.objective import Objective
from zoo.training.plan import Demand, make_plan
from zoo.training.setup import TrainingSetup
from zoo.training.source import Source
from zoo.training.trial import try_out
from zoo.units import size


def federated_setup(objective: Objective[Any], run: TrainingRun) -> TrainingSetup:
    """What all clients train, by which method, where and how fast; how long is planned for each of them.

    Privately the head alone learns where nobody says otherwise: the noise grows with the number of weights.

    Args:
        objective: what they learn.
        run: of all of them.
    """
    if is_private(run.options) and run.options.method is None and objective.head:
        run = dataclasses.replace(run, options=msgspec.structs.replace(run.options, method="head"))
    source = Source(objective=objective, run=run)
    accelerator, learner, method = learners((source,), run)
    lr = usual_lr((source,), run.options, learner)
    once = msgspec.structs.replace(run.options, epochs=1.0, micro_batch_size=None)
    plan = make_plan(once, [Demand(1, objective)], lr=lr, world_size=1)
    return TrainingSetup((source,), learner, run, accelerator, method, plan)


def plan_of(
    setup: TrainingSetup,
    clients: Sequence[Client],
    rounds: Sequence[Sequence[Turn]],
    privacy: PrivacyPlanned | None = None,
) -> RunPlanned:
    """What is known before the first step.

    Args:
        setup: of all clients.
        clients: these.
        rounds: the turns of each round.
        privacy: of the clients.
    """
    turns = [turn for of_round in rounds for turn in of_round]
    epochs = epochs_of(clients, turns)
    visits = sum(client.rows * own for client, own in zip(clients, epochs, strict=True))
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in setup.method.module.parameters()]
    steps = sum(turn.steps for turn in turns)
    return RunPlanned(
        steps=steps,
        epochs=visits / sum(client.rows for client in clients),
        batch_size=max(1, round(visits / steps)),
        micro_batch_size=max(client.setup.plan.micro_batch_size for client in clients),
        parameters=sum(count for count, _ in counts),
        trainable_parameters=sum(count for count, trained in counts if trained),
        lr=setup.plan.lr,
        sources=tuple(
            SourcePlanned(
                name=client.name,
                task=setup.run.task.name,
                rows=client.rows,
                eval_rows=client.eval_rows,
                batch_size=client.setup.plan.batch_size,
                epochs=own,
            )
            for client, own in zip(clients, epochs, strict=True)
        ),
        privacy=privacy,
    )


def epochs_of(clients: Sequence[Client], turns: Sequence[Turn]) -> list[float]:
    """How often each client goes through its rows.

    Args:
        clients: all of them.
        turns: in which they do.
    """
    return [
        sum(turn.steps for turn in turns if turn.client == i) / client.setup.plan.steps_per_epoch
        for i, client in enumerate(clients)
    ]


def try_out_client(run: TrainingRun, planned: RunPlanned, client: Client) -> None:
    """Measure the first steps of a client, where these take any time.

    Args:
        run: is told.
        planned: of it.
        client: one that has as much to compute at once as any.
    """
    if not client.setup.method.body_is_frozen:
        trial = try_out(client.setup, [client.train])
        run.emit(
            msgspec.structs.replace(
                planned,
                samples_per_s=trial.samples_per_s,
                micro_batch_size=trial.micro_batch_size,
                memory_bytes=trial.memory_bytes,
                memory_limit_bytes=trial.limit_bytes,
            )
        )


def how_it_was_learnt(
    federation: FederationOptions, clients: int, rounds: int, *, turns: int, bytes_sent: int, is_private: bool = False
) -> Paragraph:
    """What the README of the result says of it.

    Args:
        federation: how clients learn together.
        clients: how many there are.
        rounds: that were done.
        turns: of clients in these.
        bytes_sent: to a client, and back from it.
        is_private: whether nobody is to know who took part in which round.
    """
    how = "federated averaging (FedAvg)"
    if federation.mu is not None:
        how = f"federated averaging with a proximal term (FedProx, mu {federation.mu:g})"
    counted_so = "each counted once" if is_private else "weighted by rows"
    whole = "" if is_private else f", {size(2 * bytes_sent * turns)} in all"
    return Paragraph(
        text=f"Learnt from {counted(clients, 'client')} by {how}: {counted(rounds, 'round')}, "
        f"{'all' if federation.share == 1 else f'{federation.share:g} of the'} clients in each, "
        f"{counted(federation.local_epochs, 'local epoch')}, {counted_so}. "
        f"{size(bytes_sent)} went to a client and as much came back each time{whole}; rows went nowhere."
    )
