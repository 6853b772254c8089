"""One attempt at a run, as the jobs of a worker see it: what is to be done, where to report, whether to stop."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from types import FrameType

import msgspec

from zoo.file_cache import FileCache
from zoo.places.node import local_rank
from zoo.runs import requeueing
from zoo.runs.events import (
    AnyEvent,
    DataLoaded,
    ExampleRejected,
    Noted,
    RunCancelled,
    RunInterrupted,
    RunRequeued,
    TeacherAnswered,
    Warned,
)
from zoo.runs.log import append
from zoo.runs.request import ClientRequest, RunRequest, SourceRequest
from zoo.runs.store import RunFolder


@dataclass
class Worker:
    """One process of one attempt."""

    folder: RunFolder
    request: RunRequest
    rank: int
    world_size: int
    signalled: bool = False

    @property
    def attempt(self) -> int:
        """1 at first, one more at each resume; the launcher says so."""
        return int(os.environ.get("ZOO_ATTEMPT", "1"))

    @property
    def device(self) -> str:
        """Where this process computes: of several on accelerators, each on one of its own, from the first of its
        machine on.
        """
        device, kind = self.request.device, self.request.device.partition(":")[0]
        return device if self.world_size == 1 or kind == "cpu" else f"{kind}:{local_rank(self.rank)}"

    def known_files(self) -> FileCache:
        """What is known of the files that the data name since the run was asked for."""
        try:
            return FileCache(self.folder.media_path.read_bytes())
        except (OSError, msgspec.DecodeError):  # there are none, or another version of zoo wrote them: all are read
            return FileCache(b"")

    def of_source(self, source: SourceRequest) -> Worker:
        """The same, as the jobs of one of its sources see it."""
        return replace(self, folder=self.folder.of_source(source.name), request=self.request.of_source(source))

    def of_client(self, client: ClientRequest) -> Worker:
        """The same, as the jobs of one of its clients see it."""
        return replace(self, folder=self.folder.of_source(client.name), request=self.request.of_client(client))

    def emit(self, event: AnyEvent) -> None:
        """Append to the log, with the source that it is of; of several processes only the first speaks."""
        if self.rank == 0:
            append(self.folder, self.told(event))

    def told(self, event: AnyEvent) -> AnyEvent:
        """An event as the log has it."""
        if isinstance(event, Noted | Warned):
            return msgspec.structs.replace(event, message=self.said(event.message))
        if isinstance(event, DataLoaded | ExampleRejected | TeacherAnswered) and self.folder.source:
            return msgspec.structs.replace(event, source=self.folder.source)
        return event

    def said(self, message: str) -> str:
        """A message as the log has it."""
        return f"{self.folder.source}: {message}" if self.folder.source else message

    def should_stop(self) -> bool:
        """Whether someone asked the run to stop, by file or by signal."""
        return self.signalled or self.folder.stop_path.exists() or self._is_interrupted

    @property
    def _is_interrupted(self) -> bool:
        """Whether the place of the run is about to end it."""
        return bool(self.request.place) and self.folder.interrupt_path.exists()

    def stopped(self, step: int) -> AnyEvent:
        """What to say of an attempt that has heeded `should_stop`: who wanted it to end.

        Args:
            step: that it goes on from.
        """
        if not self.request.place or self.folder.stop_path.exists():
            return RunCancelled(step=step)
        ended, resume = f"place {self.request.place} ended it", f"zoo resume {self.folder.name}"
        if self.request.requeue and self._is_interrupted:
            if requeueing.comes_further(self.folder, self.attempt, step):
                return RunRequeued(attempt=self.attempt, step=step)
            message = f"{ended} twice at step {step}, with nothing done in between that it could go on from"
            return RunInterrupted(step=step, message=message, hint=f"give it more time there, then {resume}")
        return RunInterrupted(step=step, message=f"{ended} at step {step}", hint=f"{resume} goes on from there")

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Note the wish to end; the job looks at it after every step."""
        self.signalled = True
