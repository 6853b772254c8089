"""What a federated training will do: steps, epochs and rows of each client, as all its rounds say."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from zoo.runs.context import TrainingRun
from zoo.runs.events import RunPlanned, SourcePlanned
from zoo.training.federated.client import Client
from zoo.training.federated.rounds import Turn
from zoo.training.setup import TrainingSetup
from zoo.training.trial import try_out


def plan_of(setup: TrainingSetup, clients: Sequence[Client], rounds: Sequence[Sequence[Turn]]) -> RunPlanned:
    """What is known before the first step.

    Args:
        setup: of all clients.
        clients: these.
        rounds: the turns of each round.
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
