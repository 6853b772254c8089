"""How the other processes of a run report why they failed: only the first writes the event log.

torchrun terminates all processes when one fails, so what the first process sees is a signal or a broken connection.
"""

from __future__ import annotations

from zoo import atomic
from zoo.runs.events import RunFailed, decode, encode
from zoo.runs.store import RunFolder

_PATTERN = "rank-*.error"


def record_failure(folder: RunFolder, rank: int, failure: RunFailed) -> None:
    """Write down why a process failed."""
    words = f"process {rank + 1}: {failure.message}"
    event = RunFailed(at=failure.at, kind=failure.kind, message=words, hint=failure.hint)
    atomic.write_bytes(folder.path / f"rank-{rank}.error", encode(event))


def first_failure(folder: RunFolder) -> RunFailed | None:
    """What failed first in this attempt, in any process but the first; None where nothing did."""
    events = [decode(path.read_bytes()) for path in folder.path.glob(_PATTERN)]
    return min((event for event in events if isinstance(event, RunFailed)), key=lambda event: event.at, default=None)


def forget(folder: RunFolder) -> None:
    """Remove what an earlier attempt left."""
    for path in folder.path.glob(_PATTERN):
        path.unlink(missing_ok=True)
