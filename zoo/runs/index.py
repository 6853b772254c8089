"""All runs in brief, kept up to date at little cost: for views that list ten thousand of them.

A run that has ended is read once, from the end of its log; one that goes on is followed event by event.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import msgspec

from zoo.errors import StoreInvalid
from zoo.paths import runs_folder
from zoo.runs.events import TERMINAL, AnyEvent, RunCancelled, RunFailed, RunFinished, RunInterrupted
from zoo.runs.liveness import is_alive
from zoo.runs.log import last_event, read_events
from zoo.runs.request import RunRequest, RunVerb
from zoo.runs.snapshot import LIVE, RunSnapshot, Status, fold
from zoo.runs.status import judge
from zoo.runs.store import RunFolder

SWEPT_AT_ONCE = 256
"""Ended runs whose logs are looked at by each refresh, in turn: someone may have resumed one."""

SHOWN_PREDICTIONS = 5
"""Finished predictions in a list of all runs; they have no model, and a script may make hundreds of them."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one line."""

    name: str
    verb: RunVerb
    model: str
    """`plugin/name`."""
    task: str
    created_at: float
    status: Status = "created"
    place: int | None = None
    """Among the runs that wait for an accelerator; None where it does not wait."""
    behind: str = ""
    """The run just before it."""
    device: str = ""
    """Where it computes."""
    step: int = 0
    """Steps done, or rows answered."""
    steps: int = 0
    """All there are; 0 where it is not known."""
    metrics: dict[str, float] = {}
    sources: tuple[str, ...] = ()
    """Names of those, where there are several."""
    ended_at: float | None = None
    error: str = ""
    after: str = ""
    """Name of the run that it waits for, or waited for; empty where that is not known."""

    @property
    def live(self) -> bool:
        """Whether a worker is at it, if only to wait for its turn."""
        return self.status in LIVE

    @property
    def waiting(self) -> bool:
        """Whether it waits for another run to finish."""
        return self.status == "waiting"

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None where it is not known."""
        return self.step / self.steps if self.steps else None


def surplus_predictions(runs: Iterable[tuple[str, RunVerb, Status]]) -> set[str]:
    """Names of the finished predictions that a list of runs leaves out unless it is asked for them: all but the newest.

    Args:
        runs: name, verb and status of each, newest first.
    """
    finished = [name for name, verb, status in runs if verb == "predict" and status == "finished"]
    return set(finished[SHOWN_PREDICTIONS:])


@dataclass
class _Entry:
    folder: RunFolder
    request: RunRequest
    summary: RunSummary
    stamp: tuple[int, int]
    """Modification time and size of the log when it was read."""
    snapshot: RunSnapshot | None = None
    """Of a run that goes on."""
    offset: int = 0


def _nothing() -> None:
    """Go on at once."""


class RunIndex:
    """Summaries of all runs of the store; not for several threads.

    Args:
        between: called after each run that is read, by one who has other things to do meanwhile.
    """

    def __init__(self, between: Callable[[], None] = _nothing) -> None:
        self._between = between
        self._entries: dict[str, _Entry] = {}
        self._folder_modified = 0
        self._swept = 0

    @property
    def summaries(self) -> tuple[RunSummary, ...]:
        """Newest first; dry runs, which leave nothing, are none of them."""
        summaries = (entry.summary for entry in self._entries.values() if not entry.request.dry_run)
        return tuple(sorted(summaries, key=lambda summary: -summary.created_at))

    def refresh(self) -> bool:
        """Look at what may have changed; returns whether anything did."""
        changed = self._look_at_folder()
        for entry in list(self._entries.values()):
            if entry.snapshot is not None:
                changed |= self._follow(entry)
        return self._sweep() or changed

    def _look_at_folder(self) -> bool:
        """Runs that are new, gone or renamed."""
        parent = runs_folder()
        try:
            modified = parent.stat().st_mtime_ns
        except OSError:
            modified = 0
        if modified == self._folder_modified:
            return False
        names = set()
        with contextlib.suppress(FileNotFoundError), os.scandir(parent) as entries:
            names = {entry.name for entry in entries if not entry.name.startswith(".")}
        removed = [name for name in self._entries if name not in names]
        for name in removed:
            del self._entries[name]
        complete = True
        new = 0
        for name in sorted(names - self._entries.keys()):
            self._between()
            entry = _entry(RunFolder(parent / name))
            if entry is not None:
                self._entries[name] = entry
                new += 1
            else:
                complete = complete and (parent / name / "run.json").exists()
        # A folder whose request is still to be written is looked at again.
        self._folder_modified = modified if complete else 0
        return bool(removed or new)

    def _follow(self, entry: _Entry) -> bool:
        alive = is_alive(entry.folder)
        events, entry.offset = read_events(entry.folder, entry.offset)
        assert entry.snapshot is not None
        snapshot = fold(events, entry.snapshot)
        snapshot = judge(snapshot, entry.folder, alive=alive)
        summary = _of_snapshot(entry.request, snapshot)
        changed = summary != entry.summary
        entry.summary = summary
        entry.snapshot = snapshot if snapshot.pending or alive else None
        entry.stamp = _stamp(entry.folder)
        return changed

    def _sweep(self) -> bool:
        changed = False
        if self._swept >= len(self._entries):
            self._swept = 0
        names = list(islice(self._entries, self._swept, self._swept + SWEPT_AT_ONCE))
        self._swept += len(names)
        for name in names:
            entry = self._entries[name]
            if entry.snapshot is None and _stamp(entry.folder) != entry.stamp:
                fresh = _entry(entry.folder)
                if fresh is not None:
                    self._entries[name] = fresh
                    changed = True
        return changed


def _entry(folder: RunFolder) -> _Entry | None:
    """Read a run; None for a folder that is none."""
    try:
        request = msgspec.structs.replace(folder.request, name=folder.name)
    except StoreInvalid:
        return None
    stamp = _stamp(folder)
    last = last_event(folder)
    if isinstance(last, TERMINAL) and not is_alive(folder):
        return _Entry(folder, request, _of_end(request, last), stamp)
    events, offset = read_events(folder)
    alive = is_alive(folder)
    snapshot = fold(events)
    snapshot = judge(snapshot, folder, alive=alive)
    goes_on = snapshot if snapshot.pending or alive or snapshot.status == "created" else None
    return _Entry(folder, request, _of_snapshot(request, snapshot), stamp, goes_on, offset)


def _stamp(folder: RunFolder) -> tuple[int, int]:
    try:
        status = folder.events_path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def _summary(request: RunRequest) -> RunSummary:
    return RunSummary(
        name=request.name,
        verb=request.verb,
        model=request.subject,
        task=request.task,
        device=request.device,
        sources=tuple(source.name for source in request.sources),
        created_at=request.created_at,
    )


def _of_snapshot(request: RunRequest, s: RunSnapshot) -> RunSummary:
    return msgspec.structs.replace(
        _summary(request),
        status=s.status,
        place=s.place,
        behind=s.behind,
        step=s.step or s.rows_predicted,
        steps=s.steps or s.total_rows or 0,
        metrics=s.latest_metrics,
        ended_at=s.ended_at,
        error=s.error,
        after=s.after,
    )


def _of_end(request: RunRequest, event: AnyEvent) -> RunSummary:
    """From the last event alone."""
    summary = msgspec.structs.replace(_summary(request), ended_at=event.at)
    match event:
        case RunFinished():
            metrics, step = event.metrics, event.step
            return msgspec.structs.replace(summary, status="finished", metrics=metrics, step=step, steps=step)
        case RunCancelled():
            return msgspec.structs.replace(summary, status="cancelled", step=event.step)
        case RunInterrupted():
            return msgspec.structs.replace(summary, status="interrupted", step=event.step, error=event.message)
        case RunFailed():
            return msgspec.structs.replace(summary, status="failed", error=event.message)
        case _:
            raise AssertionError(f"{event} ends nothing")
