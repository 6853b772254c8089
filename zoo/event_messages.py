"""What happened in a run, in words: a line for each event that is worth one, the same in every view."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from zoo.kinds.spelling import distinct_names
from zoo.plan_messages import best_fact, privacy_fact, source_facts
from zoo.plurals import counted
from zoo.run_messages import divided_rows, figures, finished, place_in_queue
from zoo.runs.candidate import Candidate, CandidateMeasured, settings_in_words
from zoo.runs.events import (
    AnyEvent,
    CheckpointSaved,
    DataLoaded,
    EvaluationCompleted,
    ExampleRejected,
    InputsPrepared,
    MicroBatchHalved,
    Noted,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunInterrupted,
    RunLaunched,
    RunPlanned,
    RunPostponed,
    RunQueued,
    RunRequeued,
    RunStarted,
    Warned,
    WrittenSample,
)
from zoo.runs.snapshot import RunSnapshot, halved_line
from zoo.sanitize import one_line, unbroken
from zoo.units import count, size

SHOWN_PROMPT, SHOWN_TEXT = 40, 160
"""Characters of what a model was given and of what it wrote, in a line."""
SHOWN_LABELS = 30
"""Most labels that are worth a line."""


class EventMessages:
    """Puts the events of a run into words; what a later attempt repeats (its data, its plan) is said once.

    Args:
        verbose: with beginnings, checkpoints and ends.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._messages = _MESSAGES | _DETAILS if verbose else _MESSAGES
        self._reported: set[str] = set()

    def lines(self, event: AnyEvent, s: RunSnapshot) -> list[str]:
        """What is worth a line of its own.

        Args:
            event: what happened.
            s: the run after it.
        """
        message = self._messages.get(type(event))
        texts = message(event, s) if message else []
        if isinstance(event, _OF_EVERY_ATTEMPT):
            texts = [text for text in texts if text not in self._reported]
            self._reported.update(texts)
        return texts


def timestamped(event: AnyEvent, texts: Iterable[str]) -> list[str]:
    """Lines that begin with the local time of an event, each on a line of its own whatever is in it."""
    at = time.strftime("%H:%M:%S", time.localtime(event.at))
    return [f"{at}  {unbroken(text)}" for text in texts]


def _data(event: DataLoaded, s: RunSnapshot) -> list[str]:
    of = f" of {event.source}" if event.source else ""
    columns = ", ".join(f"{role} from column {name!r}" for role, name in event.columns.items())
    columns = f"; {columns}" if columns else ""
    rows = divided_rows(event.train_rows, event.eval_rows)
    lines = [f"data{of}: {rows if event.train_rows else counted(event.eval_rows, 'row')}{columns}"]
    if event.labels and len(event.labels) <= SHOWN_LABELS:
        lines.append(f"labels{of}: {', '.join(distinct_names(event.labels).values())}")
    return lines


def _prepared(event: InputsPrepared, s: RunSnapshot) -> list[str]:
    if event.done < event.total:
        return []
    memory = f"{size(event.memory_bytes)} of {size(event.memory_limit_bytes)} in memory"
    disk = f"{size(event.disk_bytes)} of {size(event.disk_limit_bytes)} on disk"
    again = f"; {event.decoded_again:,} decoded each time" if event.decoded_again else ""
    return [f"inputs: {event.done:,} decoded; kept {memory}, {disk}{again}"]


def _plan(event: RunPlanned, s: RunSnapshot) -> list[str]:
    parts = [f"{counted(event.steps, 'step')} of {event.batch_size}", counted(event.epochs, "epoch")]
    if event.parameters:  # a loop of a plugin's own may have neither these nor a learning rate
        parts.append(f"training {count(event.trainable_parameters)} of {count(event.parameters)} parameters")
    if event.lr:
        parts.append(f"peak learning rate {event.lr:g}")
    sources = [f"plan of {name}: {fact}" for name, fact in source_facts(event).items()]
    sources += [f"kept: {fact}"] if (fact := best_fact(event)) else []
    if event.privacy:
        sources.append(f"private: {privacy_fact(event)}")
    return [f"plan: {', '.join(parts)}, on {s.device} in {s.precision}", *sources]


def _evaluation(event: EvaluationCompleted, s: RunSnapshot) -> list[str]:
    if s.plan is None or not event.metrics:  # an evaluation run: its figures are the answer, shown at the end
        return []
    step = f"step {event.step:>6}  {event.source}{': ' if event.source else ''}"
    best = "  best so far" if event.best and s.plan.privacy is None else ""
    if best and event.source:
        best += f" by {one_line(s.plan.best_by)}" if s.plan.best_by else " over all"
    lines = [f"{step}{figures(event.metrics)}{best}"]
    return [*lines, f"{step}writes: {sample_line(event.sample)}"] if event.sample else lines


def sample_line(sample: WrittenSample) -> str:
    """What a model wrote, after the end of what it was given; shortened."""
    prompt, text = one_line(sample.prompt), one_line(sample.text) or "(nothing)"
    before = prompt if len(prompt) <= SHOWN_PROMPT else f"…{prompt[-SHOWN_PROMPT:]}"
    return f"{before} → {text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + '…'}"


def _halved(event: MicroBatchHalved, s: RunSnapshot) -> list[str]:
    return [halved_line(event)]


def _checkpoint(event: CheckpointSaved, s: RunSnapshot) -> list[str]:
    return [f"step {event.step:>6}  checkpoint saved"]


def _queued(event: RunQueued, s: RunSnapshot) -> list[str]:
    return [f"queued: {place_in_queue(event.place, event.device, event.behind)}"]


def _postponed(event: RunPostponed, s: RunSnapshot) -> list[str]:
    return [f"begins when {event.after} has finished"]


def _started(event: RunStarted, s: RunSnapshot) -> list[str]:
    went_on = f", going on from step {event.resumed_from_step}" if event.resumed_from_step is not None else ""
    return [f"started on {event.device} in {event.precision}{went_on}"]


def _candidate(event: CandidateMeasured, s: RunSnapshot) -> list[str]:
    one = event.candidate
    if one.passed and one.reason:  # told when it was measured; why it is not taken, the table says
        return []
    if one.stage:
        return [_tried(one)]
    if one.chosen or one.figure is None:
        return [f"{one.name}: {'taken' if one.chosen else one.reason}"]
    line = (
        f"{one.name}: {size(one.size_bytes)}, {1000 * one.latency_s:.1f} ms a row, "
        f"{one.rows_per_s:,.0f} rows/s, {one_line(one.metric)} {one.figure:.4f}"
    )
    if one.low is None or one.high is None:
        return [line]
    verdict = "passes" if one.passed else "does not pass"
    return [f"{line}, drop {one.low:+.4f} to {one.high:+.4f}: {verdict}"]


def _noted(event: Noted, s: RunSnapshot) -> list[str]:
    return [event.message]


def _warned(event: Warned, s: RunSnapshot) -> list[str]:
    return [f"warning: {event.message}"]


def _finished(event: RunFinished, s: RunSnapshot) -> list[str]:
    return [finished(None, s.chosen_step)]


def _failed(event: RunFailed, s: RunSnapshot) -> list[str]:
    return [f"failed: {event.message}"]


def _cancelled(event: RunCancelled, s: RunSnapshot) -> list[str]:
    return [f"stopped at step {event.step}"]


def _launched(event: RunLaunched, s: RunSnapshot) -> list[str]:
    return [f"handed over to {event.place}, as job {event.job}"] if event.place else []


def _interrupted(event: RunInterrupted, s: RunSnapshot) -> list[str]:
    return [f"interrupted: {event.message}"]


def _requeued(event: RunRequeued, s: RunSnapshot) -> list[str]:
    return [f"its time there is over at step {event.step}: it waits for its turn to go on"]


def _rejected(event: ExampleRejected, s: RunSnapshot) -> list[str]:
    remaining, rows = "", next((source for source in s.sources if source.name == event.source), s)
    if event.train_rows or event.eval_rows:  # the numbers shown before are not right any more
        training = f"{rows.train_rows:,} left to train on, {rows.eval_rows:,} held out"
        remaining = f" ({training if s.plan or rows.train_rows else f'{rows.eval_rows:,} left'})"
    from zoo.data.example import RejectedRow

    first = RejectedRow(event.file, event.row, event.reason, event.name)
    of = f" of {event.source}" if event.source else ""
    return [f"{counted(event.total, 'row')}{of} rejected{remaining}, first {first.location}: {first.reason}"]


def _tried(one: Candidate) -> str:
    """What is known of a model that may be picked, or of a trial, in a line."""
    interval = f" ({one.interval[0]:.4f} to {one.interval[1]:.4f})" if one.interval else ""
    figure = "" if one.figure is None else f"{one_line(one.metric)} {one.figure:.4f}{interval}"
    facts = ", ".join(filter(None, (figure, "taken" if one.chosen else one.reason)))
    name = f"{one.name} ({settings_in_words(one.settings)})" if one.settings else one.name
    return f"{one_line(name)}, {one.stage}" + (f": {facts}" if facts else "")


_MESSAGES: dict[type, Callable[..., list[str]]] = {
    RunLaunched: _launched,
    RunQueued: _queued,
    RunRequeued: _requeued,
    DataLoaded: _data,
    InputsPrepared: _prepared,
    RunPlanned: _plan,
    EvaluationCompleted: _evaluation,
    ExampleRejected: _rejected,
    MicroBatchHalved: _halved,
    CandidateMeasured: _candidate,
    Noted: _noted,
    Warned: _warned,
}
_DETAILS: dict[type, Callable[..., list[str]]] = {
    RunPostponed: _postponed,
    RunStarted: _started,
    CheckpointSaved: _checkpoint,
    RunFinished: _finished,
    RunFailed: _failed,
    RunCancelled: _cancelled,
    RunInterrupted: _interrupted,
}
_OF_EVERY_ATTEMPT = (DataLoaded, InputsPrepared, RunPlanned, ExampleRejected, Noted, Warned)
"""Events that each attempt begins with anew."""
