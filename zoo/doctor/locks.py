"""Locks that a process holds for longer than any of zoo does, or although its run is over.

The system gives up a lock when its process ends, so no file that is left behind keeps anybody waiting.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from zoo.findings import Finding, ok, warning
from zoo.locking import POLL_S, try_lock
from zoo.paths import home
from zoo.plurals import counted
from zoo.runs import status, store
from zoo.runs.liveness import is_alive
from zoo.runs.placement import without_waiting

PATIENCE_S = 1.0
"""The queue is locked for as long as it takes to write a small file."""
NEWEST = 200
"""Runs that are looked at."""


def look() -> Iterator[Finding]:
    """The lock of the queue, and those of runs that have lost their worker."""
    queue = home() / "queue.lock"
    count = 1
    if queue.exists() and not _is_free(queue, PATIENCE_S):
        words = f"{queue} is held{_by(queue)}: no run can be started on an accelerator"
        yield warning("queue", words, _end(queue))
    for run in store.all_runs()[:NEWEST]:
        lock = run.path / "worker.lock"
        with without_waiting():
            if not lock.exists() or is_alive(run):
                continue
            count += 1
            is_held = not _is_free(lock) and not status.read(run).live
        if is_held:
            words = f"its worker is gone, but a process that it started is there{_by(lock)}"
            yield warning(f"run {run.name}", words, _end(lock))
    yield ok("locks", f"{counted(count, 'lock')} looked at")


def _is_free(path: Path, patience_s: float = 0.0) -> bool:
    """Whether nobody holds a lock, or gives it up soon."""
    deadline = time.monotonic() + patience_s
    while True:
        with path.open("ab") as file:
            if try_lock(file):
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)


def _by(path: Path) -> str:
    """Who holds a lock, in words; empty where the system does not say."""
    holders = _holders(path)
    return f" by process {', '.join(map(str, holders))}" if holders else ""


def _end(path: Path) -> str:
    holders = _holders(path)
    return f"ps -fp {holders[0]} shows it; kill {holders[0]}" if holders else f"fuser {path} names the process; end it"


def _holders(path: Path) -> list[int]:
    """Ids of the processes that hold a lock, as Linux lists them."""
    table = Path("/proc/locks")
    if not table.is_file():
        return []
    status_of_file = path.stat()
    device, inode = status_of_file.st_dev, status_of_file.st_ino
    place = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
    rows = [line.split() for line in table.read_text().splitlines()]
    return [int(row[4]) for row in rows if place in row and row[4].isdecimal() and int(row[4])]
