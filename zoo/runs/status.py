"""A run as it is now: what its log tells, and whether its worker is still there."""

from __future__ import annotations

import msgspec

from zoo.runs import ranks
from zoo.runs.liveness import is_alive
from zoo.runs.log import read_events
from zoo.runs.snapshot import RunSnapshot, apply, fold
from zoo.runs.store import RunFolder


def read(folder: RunFolder) -> RunSnapshot:
    """Fold the log; a run that did not end and whose worker is gone has failed if a process told why, else crashed."""
    alive = is_alive(folder)  # looked at first: a worker that ends in between has written its last event by then
    events, _ = read_events(folder)
    snapshot = fold(events)
    if snapshot.live and not alive and (failure := ranks.first_failure(folder)):
        return apply(snapshot, failure)
    return judge(snapshot, alive=alive)


def judge(snapshot: RunSnapshot, *, alive: bool) -> RunSnapshot:
    """What a snapshot amounts to when the worker is, or is not, there."""
    if alive or not snapshot.live:
        return snapshot
    return msgspec.structs.replace(
        snapshot,
        status="crashed",
        error=snapshot.error or "the worker is gone without a word",
        hint="zoo logs shows what it printed last; zoo resume goes on from its last checkpoint",
    )
