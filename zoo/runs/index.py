"""All runs in brief, kept up to date at little cost: for views that list ten thousand of them.

A run that has ended is read once, from the end of its log; one that goes on is followed event by event.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import msgspec

from zoo.errors import StoreInvalid
from zoo.paths import runs_folder
from zoo.runs.events import TERMINAL, AnyEvent, RunCancelled, RunFailed, RunFinished, RunInterrupted
from zoo.runs.going_on import noted
from zoo.runs.liveness import is_alive
from zoo.runs.log import last_event, read_events
from zoo.runs.request import RunRequest, RunVerb
from zoo.runs.snapshot import LIVE, RunSnapshot, Status, fold
from zoo.runs.status import judge
from zoo.runs.store import RunFolder, newest_first

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


@dataclass(slots=True)
class _Followed:
    """What is known of a run that goes on, to go on from."""

    request: RunRequest
    snapshot: RunSnapshot
    offset: int


@dataclass(slots=True)
class _Entry:
    summary: RunSummary
    stamp: tuple[int, int]
    """Modification time and size of the log when it was read."""
    is_listed: bool
    """Not so dry runs, which leave nothing."""
    followed: _Followed | None = None
    """None of a run that has ended."""


def _nothing() -> None:
    """Go on at once."""


class RunIndex:
    """Summaries of all runs of the store; not for several threads.

    Args:
        between: called after each run that is read, by one who has other things to do meanwhile.
        portion: how many runs a refresh reads at least of those that nobody has read yet, where it is not all: first
            those that may be going on, then the newest. The more are known, the more are read at once.
    """

    def __init__(self, between: Callable[[], None] = _nothing, portion: int | None = None) -> None:
        self._between, self._portion = between, portion
        self._entries: dict[str, _Entry] = {}
        self._unread: list[str] = []
        """What is read next is the last."""
        self._sorted: list[RunSummary] | None = []
        self._folder_modified = 0
        self._swept = 0

    @property
    def summaries(self) -> tuple[RunSummary, ...]:
        """Newest first, of those that are read."""
        if self._sorted is None:
            listed = (entry.summary for entry in self._entries.values() if entry.is_listed)
            self._sorted = sorted(listed, key=lambda summary: -summary.created_at)
        return tuple(self._sorted)

    @property
    def is_complete(self) -> bool:
        """Whether all runs that there are have been read."""
        return not self._unread

    def refresh(self) -> bool:
        """Look at what may have changed; returns whether anything did."""
        changed = self._look_at_folder()
        changed |= self._read()
        for name, entry in self._entries.items():
            if entry.followed is not None:
                changed |= self._follow(name, entry, entry.followed)
        changed |= self._sweep()
        if changed:
            self._sorted = None
        return changed

    def _look_at_folder(self) -> bool:
        """Find runs that are new, gone or renamed; returns whether one is gone."""
        parent = runs_folder()
        try:
            modified = parent.stat().st_mtime_ns
        except OSError:
            modified = 0
        if modified == self._folder_modified:
            return False
        names = set()
        with contextlib.suppress(FileNotFoundError):
            names = {name for name in os.listdir(parent) if not name.startswith(".")}  # noqa: PTH208  (names alone)
        removed = self._entries.keys() - names
        for name in removed:
            del self._entries[name]
        new = names - self._entries.keys()
        there = newest_first(new)
        urgent = {folder.name for folder in noted()}
        there.reverse()
        self._unread = sorted(there, key=urgent.__contains__)
        # A folder whose request is still to be written is looked at again.
        self._folder_modified = modified if len(there) == len(new) else 0
        return bool(removed)

    def _read(self) -> bool:
        """Read runs that nobody has read yet; returns whether there was one."""
        count = len(self._unread) if self._portion is None else max(self._portion, len(self._entries) // 2)
        found = False
        for _ in range(min(count, len(self._unread))):
            self._between()
            name = self._unread.pop()
            if (entry := _entry(RunFolder(runs_folder() / name))) is not None:
                self._entries[name] = entry
                found = True
        return found

    def _follow(self, name: str, entry: _Entry, followed: _Followed) -> bool:
        folder = RunFolder(runs_folder() / name)
        alive = is_alive(folder)
        events, offset = read_events(folder, followed.offset)
        snapshot = judge(fold(events, followed.snapshot), folder, alive=alive)
        summary = _of_snapshot(followed.request, snapshot)
        changed = summary != entry.summary
        entry.summary = summary
        goes_on = snapshot.pending or alive
        entry.followed = _Followed(followed.request, snapshot, offset) if goes_on else None
        entry.stamp = _stamp(folder)
        return changed

    def _sweep(self) -> bool:
        changed = False
        if self._swept >= len(self._entries):
            self._swept = 0
        names = list(islice(self._entries, self._swept, self._swept + SWEPT_AT_ONCE))
        self._swept += len(names)
        for name in names:
            entry, folder = self._entries[name], RunFolder(runs_folder() / name)
            if entry.followed is None and _stamp(folder) != entry.stamp and (fresh := _entry(folder)) is not None:
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
        return _Entry(_of_end(request, last), stamp, not request.dry_run)
    events, offset = read_events(folder)
    alive = is_alive(folder)
    snapshot = fold(events)
    snapshot = judge(snapshot, folder, alive=alive)
    goes_on = snapshot.pending or alive or snapshot.status == "created"
    followed = _Followed(request, snapshot, offset) if goes_on else None
    return _Entry(_of_snapshot(request, snapshot), stamp, not request.dry_run, followed)


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
        model=sys.intern(request.subject),  # of a hundred thousand runs most share these
        task=sys.intern(request.task),
        device=sys.intern(request.device),
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
