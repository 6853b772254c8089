"""What is known of a run: a pure fold over its events. Terminal, browser and Python all show this one value.

Its size does not grow with the length of the run.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce, singledispatch
from typing import Literal

import msgspec

from zoo.blocks import Report
from zoo.metrics import confusion_of
from zoo.metrics.intervals import Interval
from zoo.plurals import counted
from zoo.runs import events as e
from zoo.runs import source_snapshot as of_sources
from zoo.runs.candidate import Candidate, CandidateMeasured, CandidateStepped, with_candidate
from zoo.runs.learning_curve import NOTHING_LEARNT, Changes, Evaluation, Point, up_to, with_evaluation, with_point
from zoo.runs.source_snapshot import SourceSnapshot

Status = Literal[
    "created",
    "waiting",
    "starting",
    "queued",
    "running",
    "finished",
    "failed",
    "cancelled",
    "interrupted",
    "crashed",
]
LIVE: tuple[Status, ...] = ("starting", "queued", "running")
NOTES = 20
WARNINGS = 20


class RunSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one moment."""

    status: Status = "created"
    after: str = ""
    """Name of the run that it waits for, or waited for; empty where it began by itself."""
    attempt: int = 0
    place: int | None = None
    """Among the runs that wait for their turn at its accelerator, 1 being the next; None where it does not wait."""
    behind: str = ""
    """The run just before it, which computes where the place is 1."""
    at_place: str = ""
    """Name of the place that it was handed over to; empty for this machine."""
    job: str = ""
    """What that calls it."""
    waits_there: str = ""
    """Why it waits for its turn there, as far as the place says."""
    device: str = ""
    precision: str = ""
    processes: int = 1
    started_at: float | None = None
    """Unix time of the newest attempt's start."""
    ended_at: float | None = None
    fetched_bytes: int = 0
    fetch_total_bytes: int | None = None
    fetch_bytes_per_s: float = 0.0
    train_rows: int = 0
    """Of all sources, where there are several; so for the next two."""
    eval_rows: int = 0
    rejected_rows: int = 0
    labels: tuple[str, ...] = ()
    """None where there are several sources, which have their own; so for the columns."""
    columns: dict[str, str] = {}
    """Names of the data's columns by role."""
    prepared: e.InputsPrepared | None = None
    """How far the inputs are decoded, and where they are kept; None for inputs that need no decoding."""
    taught: e.TeacherAnswered | None = None
    """How far a teacher is; None where nobody asked one in this attempt."""
    plan: e.RunPlanned | None = None
    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    """Newest; of several sources the mean of the newest of each, whichever the last steps learnt from."""
    lr: float | None = None
    epsilon: float | None = None
    """What a private training has spent so far; None where it is not private."""
    samples_per_s: float = 0.0
    memory_bytes: int = 0
    loss_curve: tuple[Point, ...] = ()
    """At most 512 points; of a longer run every 2nd, 4th, 8th ... event."""
    curve_stride: int = 1
    curve_points: int = 0
    evaluations: tuple[Evaluation, ...] = ()
    """The newest, at most 512; of several sources under their names, as `NAME.metric`."""
    pictures: Report = ()
    """What the newest evaluation says of a few of its pictures."""
    checkpoint_step: int | None = None
    candidates: tuple[Candidate, ...] = ()
    """A model that is to be made smaller, and the smaller forms of it that were measured; or the models of which one is
    picked. Each as it was last told.
    """
    candidate_step: CandidateStepped | None = None
    """How far the training of a candidate is; None where none is trained at the moment."""
    rows_predicted: int = 0
    """Those rejected included."""
    total_rows: int | None = None
    notes: tuple[str, ...] = ()
    """The newest, at most 20."""
    warnings: tuple[str, ...] = ()
    """The newest, at most 20."""
    metrics: dict[str, float] = {}
    """Final ones."""
    intervals: dict[str, Interval] = {}
    """Where they lie with 95% confidence; none of those of which that is not known."""
    best_step: int | None = None
    report: Report = ()
    """What the final evaluation reports beside its figures."""
    sources: tuple[SourceSnapshot, ...] = ()
    """Each of them, where there are several."""
    error_kind: str = ""
    error: str = ""
    hint: str = ""

    @property
    def live(self) -> bool:
        """Whether a worker is at it, if only to wait for its turn."""
        return self.status in LIVE

    @property
    def pending(self) -> bool:
        """Whether its end is still to come: a worker is at it, or it waits for another run."""
        return self.live or self.status == "waiting"

    @property
    def chosen_step(self) -> int | None:
        """The step whose weights are kept as the best on the rows held out; None where those chose none: privately."""
        return None if self.plan is not None and self.plan.privacy is not None else self.best_step

    @property
    def eta_s(self) -> float | None:
        """Seconds of training left, from the newest rate; None where it is unknown."""
        if not self.plan or self.samples_per_s <= 0 or self.status != "running":
            return None
        return (self.steps - self.step) * self.plan.batch_size / self.samples_per_s

    @property
    def planned_s(self) -> float | None:
        """Seconds that all steps take at the rate that a dry run measured; None where it measured none."""
        if not self.plan or self.plan.samples_per_s <= 0:
            return None
        return self.steps * self.plan.batch_size / self.plan.samples_per_s

    @property
    def wrong_rows(self) -> int | None:
        """Rows that were taken for another class; None where the report does not say."""
        confusion = confusion_of(self.report)
        return confusion.wrong if confusion else None

    @property
    def figures_of_all(self) -> dict[str, float]:
        """The newest metrics of the run as a whole; none where each of several sources has its own alone."""
        names = {source.name for source in self.sources}
        return {name: value for name, value in self.latest_metrics.items() if name.partition(".")[0] not in names}

    @property
    def of_all_alone(self) -> RunSnapshot:
        """What is known of the run as a whole, and nothing of any of its sources."""
        beginnings = tuple(f"{source.name}." for source in self.sources)

        def of_all(metrics: dict[str, float]) -> dict[str, float]:
            return {name: value for name, value in metrics.items() if not name.startswith(beginnings)}

        evaluations = (msgspec.structs.replace(one, metrics=of_all(one.metrics)) for one in self.evaluations)
        return msgspec.structs.replace(
            self, sources=(), pictures=(), metrics=of_all(self.metrics), evaluations=tuple(evaluations)
        )

    @property
    def latest_metrics(self) -> dict[str, float]:
        """Final metrics, or those of the newest evaluation."""
        return self.metrics or (self.evaluations[-1].metrics if self.evaluations else {})


EMPTY = RunSnapshot()


def fold(events: Iterable[e.AnyEvent], start: RunSnapshot = EMPTY) -> RunSnapshot:
    """Apply events in order."""
    return reduce(apply, events, start)


def apply(snapshot: RunSnapshot, event: e.AnyEvent) -> RunSnapshot:
    """The snapshot after one more event; pure."""
    return msgspec.structs.replace(snapshot, **_changes(event, snapshot))


_NO_PLACE: Changes = {"place": None, "behind": ""}
_NO_ERROR: Changes = {"error_kind": "", "error": "", "hint": ""}
_NO_PROGRESS: Changes = {"step": 0, "checkpoint_step": None, "epsilon": None, **NOTHING_LEARNT}


@singledispatch
def _changes(event: object, s: RunSnapshot) -> Changes:
    """Fields that an event sets; an event that changes nothing sets none."""
    return {}


@_changes.register
def _(event: e.RunPostponed, s: RunSnapshot) -> Changes:
    return {"status": "waiting", "after": event.after, "ended_at": None, **_NO_ERROR}


@_changes.register
def _(event: e.RunLaunched, s: RunSnapshot) -> Changes:
    at_place: Changes = {"at_place": event.place, "job": event.job}
    if event.attempt == s.attempt:  # the worker was faster than the one who started it
        return at_place
    status = "queued" if event.place else "starting"
    return {"status": status, "attempt": event.attempt, "ended_at": None, **at_place, **_NO_PLACE, **_NO_ERROR}


@_changes.register
def _(event: e.RunQueued, s: RunSnapshot) -> Changes:
    return {
        "status": "queued",
        "attempt": event.attempt,
        "device": event.device,
        "place": event.place,
        "behind": event.behind,
        "ended_at": None,
        **_NO_ERROR,
    }


@_changes.register
def _(event: e.RunStarted, s: RunSnapshot) -> Changes:
    changes: Changes = {
        "status": "running",
        "attempt": event.attempt,
        "device": event.device,
        "precision": event.precision,
        "processes": event.processes,
        "started_at": event.at,
        "ended_at": None,
        **_NO_PLACE,
        "taught": None,
        "candidates": (),
        "candidate_step": None,
        **_NO_ERROR,
    }
    if event.attempt == 1 and event.resumed_from_step is None:
        return changes
    step = event.resumed_from_step
    lasting = _NO_PROGRESS if step is None else {"step": step, **up_to(s, step)}
    return changes | lasting | {"sources": of_sources.begun(s.sources, step)}


@_changes.register
def _(event: e.WeightsFetched, s: RunSnapshot) -> Changes:
    return {
        "fetched_bytes": event.received_bytes,
        "fetch_total_bytes": event.total_bytes,
        "fetch_bytes_per_s": event.bytes_per_s,
    }


@_changes.register
def _(event: e.DataLoaded, s: RunSnapshot) -> Changes:
    if event.source:
        return of_sources.loaded(s.sources, event)
    return {
        "train_rows": event.train_rows,
        "eval_rows": event.eval_rows,
        "rejected_rows": event.rejected_rows,
        "labels": event.labels,
        "columns": event.columns,
    }


@_changes.register
def _(event: e.InputsPrepared, s: RunSnapshot) -> Changes:
    return {"prepared": event}


@_changes.register
def _(event: e.TeacherAnswered, s: RunSnapshot) -> Changes:
    return {"taught": event}


@_changes.register
def _(event: e.RunPlanned, s: RunSnapshot) -> Changes:
    return {"plan": event, "steps": event.steps, "sources": of_sources.planned(s.sources, event)}


@_changes.register
def _(event: e.StepCompleted, s: RunSnapshot) -> Changes:
    sources = of_sources.stepped(s.sources, event)
    several = event.sources and event.loss is not None
    loss = of_sources.mean_loss(sources) if several else event.loss
    return {
        "step": event.step,
        "steps": event.steps,
        "epoch": event.epoch,
        "loss": loss,
        "lr": event.lr,
        "epsilon": event.epsilon,
        "samples_per_s": event.samples_per_s,
        "memory_bytes": event.memory_bytes,
        "sources": sources,
        **with_point(s, event.step, loss),
    }


@_changes.register
def _(event: e.EvaluationCompleted, s: RunSnapshot) -> Changes:
    changes: Changes = {"pictures": event.pictures}
    metrics = event.metrics
    if event.source:
        changes = of_sources.evaluated(s.sources, event)
        metrics = {f"{event.source}.{name}": value for name, value in metrics.items()}
    return changes | with_evaluation(s, Evaluation(event.step, metrics, event.best, event.sample))


@_changes.register
def _(event: e.MicroBatchHalved, s: RunSnapshot) -> Changes:
    changes: Changes = {"notes": _with(s.notes, halved_line(event))[-NOTES:]}
    if s.plan is None or event.evaluating or event.source:
        return changes
    return changes | {"plan": msgspec.structs.replace(s.plan, micro_batch_size=event.micro_batch_size)}


def halved_line(event: e.MicroBatchHalved) -> str:
    """That memory ran out, and what is done about it."""
    what = "the evaluation" if event.evaluating else f"step {event.step}"
    of = f" of {event.source}" if event.source else ""
    at_once = counted(event.micro_batch_size, "example")
    return f"{what} ran out of memory: {at_once}{of} computed at once from now on"


@_changes.register
def _(event: e.CheckpointSaved, s: RunSnapshot) -> Changes:
    return {"checkpoint_step": event.step}


@_changes.register
def _(event: e.ExampleRejected, s: RunSnapshot) -> Changes:
    if event.source:
        return of_sources.rejected(s.sources, event)
    return {
        "rejected_rows": event.total,
        "train_rows": s.train_rows - event.train_rows,
        "eval_rows": s.eval_rows - event.eval_rows,
    }


@_changes.register
def _(event: e.PredictionsWritten, s: RunSnapshot) -> Changes:
    return {
        "candidate_step": None,
        "rows_predicted": event.rows,
        "rejected_rows": max(event.rejected, s.rejected_rows),
        "total_rows": event.total_rows,
        "samples_per_s": event.samples_per_s,
    }


@_changes.register
def _(event: CandidateStepped, s: RunSnapshot) -> Changes:
    return {"candidate_step": event}


@_changes.register
def _(event: CandidateMeasured, s: RunSnapshot) -> Changes:
    return {"candidates": with_candidate(s.candidates, event.candidate), "candidate_step": None, "taught": None}


@_changes.register
def _(event: e.Noted, s: RunSnapshot) -> Changes:
    return {"notes": _with(s.notes, event.message)[-NOTES:]}


@_changes.register
def _(event: e.Warned, s: RunSnapshot) -> Changes:
    return {"warnings": _with(s.warnings, event.message)[-WARNINGS:]}


@_changes.register
def _(event: e.RunFinished, s: RunSnapshot) -> Changes:
    return {
        "status": "finished",
        "ended_at": event.at,
        "metrics": event.metrics,
        "intervals": event.intervals,
        "best_step": event.best_step,
        "report": event.report,
        "labels": event.labels or s.labels if s.labels or not event.sources else (),
        "sources": of_sources.finished(s.sources, event),
    }


@_changes.register
def _(event: e.RunFailed, s: RunSnapshot) -> Changes:
    return {
        "status": "failed",
        "ended_at": event.at,
        "error_kind": event.kind,
        "error": event.message,
        "hint": event.hint,
        **_NO_PLACE,
    }


@_changes.register
def _(event: e.RunCancelled, s: RunSnapshot) -> Changes:
    return {"status": "cancelled", "ended_at": event.at, **_NO_PLACE}


@_changes.register
def _(event: e.RunInterrupted, s: RunSnapshot) -> Changes:
    error: Changes = {"error": event.message, "hint": event.hint}
    return {"status": "interrupted", "ended_at": event.at, **error, **_NO_PLACE}


@_changes.register
def _(event: e.RunRequeued, s: RunSnapshot) -> Changes:
    return {"status": "queued", **_NO_PLACE}


def _with(messages: tuple[str, ...], message: str) -> tuple[str, ...]:
    """What a later attempt says again is kept once."""
    return messages if message in messages else (*messages, message)
