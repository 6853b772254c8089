"""The last word of an attempt that several machines share: one of them says it, where the first worker no longer can.

All of them append to one log then, on a disk of the network, on which no line is safe from those of others.
"""

from __future__ import annotations

import sys

from zoo.errors import ZooError
from zoo.locking import locked
from zoo.places.node import NODE_LOST
from zoo.runs import ranks, requeueing
from zoo.runs.checkpoints import newest_step
from zoo.runs.event import Event
from zoo.runs.events import (
    TERMINAL,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunInterrupted,
    RunLaunched,
    RunRequeued,
    RunStarted,
    Warned,
)
from zoo.runs.log import append, last_event, read_events
from zoo.runs.store import RunFolder


class LastWord:
    """What a machine knows of the end of an attempt, and says of it.

    Args:
        folder: the run.
        attempt: that this machine takes part in, which begins.
    """

    def __init__(self, folder: RunFolder, attempt: int) -> None:
        self._folder, self._attempt = folder, attempt
        path = folder.events_path
        self._offset = path.stat().st_size if path.exists() else 0

    def is_told(self) -> bool:
        """Whether the end has been told; once a later attempt has begun, whatever the end was is of no interest."""
        told = False
        for event in read_events(self._folder, self._offset)[0]:
            if isinstance(event, RunLaunched | RunStarted):
                told = event.attempt > self._attempt
            elif isinstance(event, RunRequeued):  # one of the attempt before may come late
                told = told or event.attempt >= self._attempt
            else:
                told = told or isinstance(event, TERMINAL)
        return told or ranks.first_failure(self._folder, self._attempt) is not None

    def code(self) -> int:
        """The exit code of a machine whose part has ended otherwise than all together."""
        match last_event(self._folder):
            case RunFinished() | RunCancelled():
                return 0
            case RunInterrupted() if self._folder.request.requeue:  # it would say so if it were begun again
                return 1
            case RunInterrupted() | RunRequeued():
                return NODE_LOST
            case _:
                return 1

    def interrupt(self, message: str, *, bounded: bool) -> None:
        """Say that the attempt has come to an end by what one machine cannot help; it goes on where that is asked for.

        Args:
            message: what it was.
            bounded: whether it goes on only if it has come further than the attempt before; else whoever starts the
                machines counts how often.
        """
        step, requeue = self._step, self._folder.request.requeue
        if requeue and self._goes_on(step, bounded=bounded):
            warning = Warned(message=f"{message}; it goes on from step {step}")
            self._say(message, warning, RunRequeued(attempt=self._attempt, step=step))
            return
        words = f"{message}, and step {step} was all that the attempt before had come to" if requeue else message
        hint = f"zoo resume {self._folder.name} goes on from step {step}"
        self._say(words, RunInterrupted(step=step, message=words, hint=hint))

    def disconnect(self) -> None:
        """Say that machines which are all there do not reach one another, and why, as one of their processes has it.

        Where that comes a second time without a checkpoint in between it is no accident: the run has failed.
        """
        cause, step = ranks.first_lost_connection(self._folder, self._attempt), self._step
        message = "the nodes lost their connection to one another" + (f": {cause.message}" if cause else "")
        if self._folder.request.requeue and not self._goes_on(step, bounded=True):
            hint = f"zoo logs {self._folder.name} shows where; zoo resume {self._folder.name} tries it again"
            self._say(message, RunFailed(kind="RunFailed", message=f"{message}, as at the attempt before", hint=hint))
        else:
            self.interrupt(message, bounded=True)

    def fail(self, error: ZooError) -> None:
        """Say that this machine cannot take part."""
        self._say(error.message, RunFailed(kind=type(error).__name__, message=error.message, hint=error.hint))

    @property
    def _step(self) -> int:
        """That the run goes on from."""
        return newest_step(self._folder.checkpoints_folder) or 0

    def _goes_on(self, step: int, *, bounded: bool) -> bool:
        return not bounded or requeueing.comes_further(self._folder, self._attempt, step)

    def _say(self, message: str, *events: Event) -> None:
        """Let this be the last word, unless another machine has had it meanwhile."""
        print(f"zoo: {message}", file=sys.stderr)  # noqa: T201  (the log is the place)
        with locked(self._folder.path / "last-word.lock", lambda: False):
            if not self.is_told():
                for event in events:
                    append(self._folder, event)
