"""What runs took, as their logs have it."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.card import Card
from zoo.comparison.result import Cost
from zoo.comparison.subjects import Subject
from zoo.runs.events import AnyEvent, RunLaunched, RunQueued, RunStarted, StepCompleted
from zoo.runs.log import read_events


def cost_of(subject: Subject, card: Card | None) -> Cost:
    """Of a run, and of the model that it made or judged.

    Args:
        subject: the run; a model that comes with a plugin took nothing here.
        card: of the model, where there is one.
    """
    weights = card.weights.size_bytes if card is not None and card.weights is not None else None
    parameters = card.parameters if card is not None else None
    if subject.folder is None:
        return Cost(parameters=parameters, weights_bytes=weights)
    events, _ = read_events(subject.folder)
    memory = max((event.memory_bytes for event in events if isinstance(event, StepCompleted)), default=0)
    steps = subject.snapshot.step if subject.snapshot else 0
    return Cost(
        steps=steps or None,
        seconds=seconds_worked(events),
        memory_bytes=memory or None,
        parameters=parameters,
        weights_bytes=weights,
    )


def seconds_worked(events: Sequence[AnyEvent]) -> float | None:
    """From the start of each attempt to the last that it told, added up; None where none has begun.

    Time in a queue, and between attempts, is no work.
    """
    total, started, last = None, None, 0.0
    for event in events:
        if isinstance(event, RunLaunched | RunQueued | RunStarted) and started is not None:
            total = (total or 0.0) + last - started
            started = None
        if isinstance(event, RunStarted):
            started = event.at
        last = event.at
    return total if started is None else (total or 0.0) + last - started
