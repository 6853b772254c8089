"""What happens in a run, told line by line as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from zoo.kinds.spelling import told_apart
from zoo.plurals import counted
from zoo.progress import count, size
from zoo.runs.events import (
    AnyEvent,
    CheckpointSaved,
    DataLoaded,
    EvaluationCompleted,
    ExampleRejected,
    InputsPrepared,
    Noted,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunPlanned,
    RunStarted,
    Warned,
)
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import unbroken

SHOWN_LABELS = 30
"""Most labels that are worth a line."""


class Narrator:
    """Puts the events of a run into words; what a later attempt finds again (its data, its plan) is told once.

    Args:
        verbose: tell also of beginnings, checkpoints and ends.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._tellers = _TELLERS | _DETAILS if verbose else _TELLERS
        self._told: set[str] = set()

    def lines(self, event: AnyEvent, s: RunSnapshot) -> list[str]:
        """What is worth a line of its own.

        Args:
            event: what happened.
            s: the run after it.
        """
        teller = self._tellers.get(type(event))
        texts = teller(event, s) if teller else []
        if isinstance(event, _OF_EVERY_ATTEMPT):
            texts = [text for text in texts if text not in self._told]
            self._told.update(texts)
        return texts


def stamped(event: AnyEvent, texts: Iterable[str]) -> list[str]:
    """Lines that begin with the local time of an event, each on a line of its own whatever is in it."""
    at = time.strftime("%H:%M:%S", time.localtime(event.at))
    return [f"{at}  {unbroken(text)}" for text in texts]


def _data(event: DataLoaded, s: RunSnapshot) -> list[str]:
    columns = ", ".join(f"{role} from column {name!r}" for role, name in event.columns.items())
    columns = f"; {columns}" if columns else ""
    rows = f"{counted(event.train_rows, 'row')} to train on, {event.eval_rows:,} held out"
    lines = [f"data: {rows if event.train_rows else counted(event.eval_rows, 'row')}{columns}"]
    if event.labels and len(event.labels) <= SHOWN_LABELS:
        lines.append(f"labels: {', '.join(told_apart(event.labels).values())}")
    return lines


def _prepared(event: InputsPrepared, s: RunSnapshot) -> list[str]:
    if event.done < event.total:
        return []
    memory = f"{size(event.memory_bytes)} of {size(event.memory_limit_bytes)} in memory"
    disk = f"{size(event.disk_bytes)} of {size(event.disk_limit_bytes)} on disk"
    again = f"; {event.decoded_again:,} are decoded each time" if event.decoded_again else ""
    return [f"inputs: {event.done:,} decoded; kept {memory}, {disk}{again}"]


def _plan(event: RunPlanned, s: RunSnapshot) -> list[str]:
    parts = [f"{counted(event.steps, 'step')} of {event.batch_size}", counted(event.epochs, "epoch")]
    if event.parameters:  # a loop of a plugin's own may have neither these nor a learning rate
        parts.append(f"training {count(event.trainable_parameters)} of {count(event.parameters)} parameters")
    if event.lr:
        parts.append(f"peak learning rate {event.lr:g}")
    return [f"plan: {', '.join(parts)}, on {s.device} in {s.precision}"]


def _evaluation(event: EvaluationCompleted, s: RunSnapshot) -> list[str]:
    if s.plan is None or not event.metrics:  # an evaluation run: its figures are the answer, told at the end
        return []
    figures = "  ".join(f"{name} {value:.4f}" for name, value in event.metrics.items())
    return [f"step {event.step:>6}  {figures}{'  best so far' if event.best else ''}"]


def _checkpoint(event: CheckpointSaved, s: RunSnapshot) -> list[str]:
    return [f"step {event.step:>6}  checkpoint saved"]


def _started(event: RunStarted, s: RunSnapshot) -> list[str]:
    went_on = f", going on from step {event.resumed_from_step}" if event.resumed_from_step is not None else ""
    return [f"started on {event.device} in {event.precision}{went_on}"]


def _noted(event: Noted, s: RunSnapshot) -> list[str]:
    return [event.message]


def _warned(event: Warned, s: RunSnapshot) -> list[str]:
    return [f"warning: {event.message}"]


def _finished(event: RunFinished, s: RunSnapshot) -> list[str]:
    return ["finished" + (f", best at step {event.best_step}" if event.best_step else "")]


def _failed(event: RunFailed, s: RunSnapshot) -> list[str]:
    return [f"failed: {event.message}"]


def _cancelled(event: RunCancelled, s: RunSnapshot) -> list[str]:
    return [f"stopped at step {event.step}"]


def _rejected(event: ExampleRejected, s: RunSnapshot) -> list[str]:
    left = ""
    if event.train_rows or event.eval_rows:  # those that were told before are not right any more
        training = f"{s.train_rows:,} left to train on, {s.eval_rows:,} held out"
        left = f" ({training if s.plan or s.train_rows else f'{s.eval_rows:,} left'})"
    return [f"{counted(event.total, 'row')} rejected{left}, first {event.file} row {event.row}: {event.reason}"]


_TELLERS: dict[type, Callable[..., list[str]]] = {
    DataLoaded: _data,
    InputsPrepared: _prepared,
    RunPlanned: _plan,
    EvaluationCompleted: _evaluation,
    ExampleRejected: _rejected,
    Noted: _noted,
    Warned: _warned,
}
_DETAILS: dict[type, Callable[..., list[str]]] = {
    RunStarted: _started,
    CheckpointSaved: _checkpoint,
    RunFinished: _finished,
    RunFailed: _failed,
    RunCancelled: _cancelled,
}
_OF_EVERY_ATTEMPT = (DataLoaded, InputsPrepared, RunPlanned, ExampleRejected, Noted, Warned)
"""Events that each attempt begins with anew."""
