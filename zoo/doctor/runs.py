"""Runs that were interrupted, whose worker is gone or silent, or that nobody can read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from zoo.errors import StoreInvalid
from zoo.findings import Finding, fault, ok, warning
from zoo.paths import runs_folder
from zoo.plurals import counted
from zoo.runs import queue, store
from zoo.runs.index import RunIndex, RunSummary
from zoo.runs.liveness import HEARTBEAT_LOST_S
from zoo.runs.placement import without_waiting
from zoo.runs.store import RunFolder
from zoo.units import duration

SHOWN = 5
"""Most runs that are named for one thing."""


def look() -> Iterator[Finding]:
    """All runs of the store; schedulers were asked by the check of places, and are not waited for once more."""
    index = RunIndex()
    with without_waiting():
        index.refresh()
        summaries, unreadable = index.summaries, _unreadable()
    crashed = [one for one in summaries if one.status in ("crashed", "interrupted")]
    for run in crashed[:SHOWN]:
        yield warning(f"run {run.name}", run.error, f"zoo resume {run.name}, or zoo rm {run.name}")
    if len(crashed) > SHOWN:
        words = f"{len(crashed) - SHOWN} more have lost their worker"
        yield warning("runs", words, "zoo runs --status crashed lists them")
    for name, error in unreadable[:SHOWN]:
        yield fault(f"run {name}", error.message, error.hint)
    if len(unreadable) > SHOWN:
        yield fault("runs", f"{len(unreadable) - SHOWN} more cannot be read", "zoo rm RUN removes one")
    yield from _silent(summaries)
    for run in summaries:
        if run.waiting and _in_vain(run, summaries):
            yield warning(f"run {run.name}", f"it waits for {run.after}, which is not going on", _going_on(run.after))
    yield from (_lost(folder) for folder in queue.lost())
    live = sum(1 for run in summaries if run.live)
    yield ok("runs", f"{counted(len(summaries), 'run')}, of which {live:,} {'is' if live == 1 else 'are'} going on")


def _unreadable() -> list[tuple[str, StoreInvalid]]:
    found = []
    for run in store.all_runs():
        try:
            _ = run.request
        except StoreInvalid as error:
            found.append((run.name, error))
    return found


def _silent(summaries: Sequence[RunSummary]) -> Iterator[Finding]:
    """Runs whose process is there, but stands still: stopped by a signal, or waiting for a disk."""
    for run in summaries:
        if not run.live:
            continue
        with contextlib.suppress(OSError):  # it has ended meanwhile
            silent_s = time.time() - RunFolder(runs_folder() / run.name).worker_path.stat().st_mtime
            if silent_s > HEARTBEAT_LOST_S:
                words = f"its worker is there, but has been silent for {duration(silent_s)}"
                yield warning(f"run {run.name}", words, f"zoo logs {run.name}, or zoo stop {run.name} --force")


def _in_vain(run: RunSummary, summaries: Sequence[RunSummary]) -> bool:
    before = next((one for one in summaries if one.name == run.after), None)
    return before is None or not (before.live or before.waiting or before.status in ("created", "finished"))


def _going_on(name: str) -> str:
    there = (runs_folder() / name).is_dir()
    return f"zoo resume {name}" if there else "zoo rm RUN; the run that it waits for is gone"


def _lost(folder: RunFolder) -> Finding:
    words = "it waited for its turn when the machine went down"
    return warning(f"run {folder.name}", words, "zoo ps starts it anew")
