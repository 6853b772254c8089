"""Waiting for the shards of a prediction that are answered at a place, several at once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from zoo.errors import RunCancelled as RunCancelledError
from zoo.errors import RunFailed
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.events import Noted, Warned
from zoo.runs.launcher import launching
from zoo.runs.log import is_going_on, read_events
from zoo.runs.prediction_job import Progress
from zoo.runs.snapshot import EMPTY, fold
from zoo.runs.status import judge
from zoo.runs.store import RunFolder

POLL_S = 1.0
"""Between two looks at all shards, of which there may be so many that a look takes longer."""
SHARE = 0.1
"""Most of the time that looking takes."""
LONGEST_S = 30.0
"""Between two looks at most, however slow a scheduler was at one."""
SEEN_S = 5.0
"""How long a shard has to be gone without a word, to be taken for gone: a shared disk may show its last event late."""
NAMED = 3
"""Shards whose trouble is told in the last word of the run."""


class WatchedShard:
    """A shard, and how far it has come; its log is read event by event."""

    def __init__(self, folder: RunFolder) -> None:
        self.name, self._folder = folder.name, folder
        self.snapshot = EMPTY
        self.gone = False
        """Whether it has not finished, and nobody is at it any more."""
        self._told, self._offset, self._gone_at = EMPTY, 0, 0.0

    def look(self) -> None:
        """See what has come of it since the last look.

        Raises:
            RunFailed: it was removed.
        """
        if self.is_finished:
            return
        if not self._folder.request_path.exists():
            raise RunFailed(f"run {self.name}, whose answers are to be joined, is gone", "start a new run")
        is_there = is_going_on(self._folder)  # looked at first: what ends in between has written its last event by then
        events, self._offset = read_events(self._folder, self._offset)
        self._told = fold(events, self._told)
        self.snapshot = judge(self._told, self._folder, alive=is_there)
        if is_there or self.snapshot.pending or self.is_finished:  # its place may begin it again by itself
            self.gone, self._gone_at = False, 0.0
        else:
            self._gone_at = self._gone_at or time.monotonic()
            self.gone = not self._told.pending or time.monotonic() - self._gone_at >= SEEN_S

    @property
    def place(self) -> str:
        """Name of the place that answers it."""
        return self._folder.request.place

    @property
    def is_finished(self) -> bool:
        """Whether all of its rows are answered."""
        return self.snapshot.status == "finished"

    @property
    def trouble(self) -> str:
        """What became of it, in words."""
        s = self.snapshot
        return f"{self.name} is {s.status}" + (f": {s.error}" if s.error else "")


def watched_shards(worker: Worker) -> tuple[WatchedShard, ...]:
    """The shards whose answers a run joins, each of which has been looked at.

    Raises:
        RunFailed: one was removed.
    """
    shards = tuple(WatchedShard(RunFolder(worker.folder.path.parent / name)) for name in worker.request.joins)
    for shard in shards:
        shard.look()
    return shards


def await_shards(worker: Worker, shards: Sequence[WatchedShard], progress: Progress) -> None:
    """Wait until all have finished, as long as anybody is at one of them.

    Args:
        worker: of the run that joins what they answer.
        shards: those it waits for.
        progress: of that run, which counts the rows of all.

    Raises:
        RunCancelled: the run was asked to stop meanwhile.
        RunFailed: some have not finished, and nobody is at any of them.
    """
    worker.emit(Noted(message=f"{counted(len(shards), 'shard')} at place {shards[0].place}"))
    told: set[str] = set()
    while True:
        began = time.monotonic()
        for shard in shards:
            shard.look()
        progress.report(
            sum(one.snapshot.rows_predicted for one in shards), sum(one.snapshot.rejected_rows for one in shards)
        )
        if worker.should_stop():  # asked last: whoever stops all of them has asked this run first
            raise RunCancelledError(f"run {worker.folder.name} was stopped", "")
        _warn(worker, shards, told)
        if all(one.is_finished or one.gone for one in shards):
            with launching(worker.folder):  # whoever hands some of them over at this moment has written that down then
                for shard in shards:
                    shard.look()
            if all(one.is_finished or one.gone for one in shards):
                break
        took = time.monotonic() - began
        until = time.monotonic() + min(max(POLL_S, took / SHARE), LONGEST_S)
        while time.monotonic() < until and not worker.should_stop():
            time.sleep(min(POLL_S, max(0.0, until - time.monotonic())))
    if gone := [one for one in shards if one.gone]:
        some = "; ".join(one.trouble for one in gone[:NAMED]) + ("; ..." if len(gone) > NAMED else "")
        have = "has" if len(gone) == 1 else "have"
        raise RunFailed(
            f"{len(gone)} of {counted(len(shards), 'shard')} {have} not finished: {some}",
            f"go on with what is left: zoo resume {worker.folder.name}",
        )


def _warn(worker: Worker, shards: Sequence[WatchedShard], told: set[str]) -> None:
    """Say of each shard that is gone what became of it, once; of one that goes on again, if it is gone once more."""
    for shard in shards:
        if not shard.gone:
            told.discard(shard.name)
        elif shard.name not in told:
            told.add(shard.name)
            worker.emit(Warned(message=f"{shard.trouble}; zoo resume {shard.name} goes on with it"))
