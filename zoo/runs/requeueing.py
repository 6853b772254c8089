"""Whether its place is to begin a run again: not where it would come no further, time after time."""

from __future__ import annotations

from zoo.runs import kept_parts
from zoo.runs.events import RunLaunched, RunRequeued
from zoo.runs.log import read_events
from zoo.runs.store import RunFolder


def comes_further(folder: RunFolder, attempt: int, step: int) -> bool:
    """Whether a further attempt is of use: this one has come further than the one before, or is the first.

    Args:
        folder: the run.
        attempt: that ends.
        step: that the next one would go on from.
    """
    before: RunRequeued | None = None
    for event in read_events(folder)[0]:
        if isinstance(event, RunLaunched):
            before = None
        elif isinstance(event, RunRequeued) and event.attempt < attempt:  # of several machines others may have told it
            before = event
    return before is None or step != before.step or kept_parts.written_since(folder, before.at)
