"""How the other processes of a run report why they failed: only the first writes the event log.

torchrun terminates all processes when one fails, so what the first process sees is a signal or a broken connection.
What they write down names the attempt: a place begins a run again by itself, and nobody tidies up in between.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zoo import atomic
from zoo.runs.events import RunFailed, decode, encode
from zoo.runs.store import RunFolder

_FAILED, _LOST = "error", "lost"
"""How the names of files end."""


def record_failure(folder: RunFolder, rank: int, attempt: int, failure: RunFailed) -> None:
    """Write down why a process failed."""
    _record(folder, rank, attempt, failure, _FAILED)


def record_lost_connection(folder: RunFolder, rank: int, attempt: int, message: str) -> None:
    """Write down with which words a process found another one out of reach: nothing is told of it where a machine is
    gone, and else it is all that there is to tell.
    """
    _record(folder, rank, attempt, RunFailed(kind="RunFailed", message=message), _LOST)


def _record(folder: RunFolder, rank: int, attempt: int, failure: RunFailed, ending: str) -> None:
    words = f"process {rank + 1}: {failure.message}"
    event = RunFailed(at=failure.at, kind=failure.kind, message=words, hint=failure.hint)
    atomic.write_bytes(folder.path / f"rank-{rank}.{attempt}.{ending}", encode(event))


def first_failure(folder: RunFolder, attempt: int) -> RunFailed | None:
    """What failed first in an attempt, in any process but the first; None where nothing did."""
    return _first(folder, attempt, _FAILED)


def first_lost_connection(folder: RunFolder, attempt: int) -> RunFailed | None:
    """Which process of an attempt was the first that found another one out of reach; None where none did."""
    return _first(folder, attempt, _LOST)


def _first(folder: RunFolder, attempt: int, ending: str) -> RunFailed | None:
    paths = [path for path in folder.path.glob(f"rank-*.{ending}") if _attempt_of(path) >= attempt]
    events = [decode(path.read_bytes()) for path in paths]
    return min((event for event in events if isinstance(event, RunFailed)), key=lambda event: event.at, default=None)


def _attempt_of(path: Path) -> int:
    """The attempt that a file is of; the last one where an earlier version wrote it, without its number."""
    said = path.name.split(".")[1]
    return int(said) if said.isdecimal() else sys.maxsize


def forget(folder: RunFolder) -> None:
    """Remove what earlier attempts left."""
    for ending in (_FAILED, _LOST):
        for path in folder.path.glob(f"rank-*.{ending}"):
            path.unlink(missing_ok=True)
