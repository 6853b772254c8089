"""How the other processes of a run report why they failed: only the first writes the event log.

torchrun terminates all processes when one fails, so what the first process sees is a signal or a broken connection.
Where several machines share a run, each reports what became of it, too.
"""

from __future__ import annotations

from zoo import atomic
from zoo.runs.events import RunFailed, decode, encode
from zoo.runs.store import RunFolder

_OF_PROCESSES, _OF_NODES = "rank-*.error", "node-*.error"


def record_failure(folder: RunFolder, rank: int, failure: RunFailed) -> None:
    """Write down why a process failed."""
    words = f"process {rank + 1}: {failure.message}"
    event = RunFailed(at=failure.at, kind=failure.kind, message=words, hint=failure.hint)
    atomic.write_bytes(folder.path / f"rank-{rank}.error", encode(event))


def record_node(folder: RunFolder, index: int, failure: RunFailed) -> None:
    """Write down what became of a machine, as it or another one saw it."""
    atomic.write_bytes(folder.path / f"node-{index}.error", encode(failure))


def first_failure(folder: RunFolder) -> RunFailed | None:
    """What failed first in this attempt, in any process but the first; None where nothing did.

    What a process says of itself is the cause of what machines see of one another.
    """
    for pattern in (_OF_PROCESSES, _OF_NODES):
        events = [decode(path.read_bytes()) for path in folder.path.glob(pattern)]
        failures = [event for event in events if isinstance(event, RunFailed)]
        if failures:
            return min(failures, key=lambda event: event.at)
    return None


def forget(folder: RunFolder) -> None:
    """Remove what an earlier attempt left."""
    for pattern in (_OF_PROCESSES, _OF_NODES):
        for path in folder.path.glob(pattern):
            path.unlink(missing_ok=True)
