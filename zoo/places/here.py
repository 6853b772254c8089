"""This machine as a place: processes that outlive whoever starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from zoo.errors import RunFailed
from zoo.findings import Finding, ok
from zoo.places.kinds import HERE, PlaceKind
from zoo.places.place import JobState, PlacedJob, PlaceSettings
from zoo.process_identity import ProcessIdentity, from_text, identify


class ProcessHandle(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """Its id."""

    def wait(self) -> int:
        """Wait for its end."""


def start_process(command: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> ProcessHandle:
    """Start a process that outlives this one and writes to a log.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, **_detached()
    )


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


class Here:
    """This machine; what is called a job is a process."""

    def __init__(self, name: str, settings: PlaceSettings) -> None:
        self.name, self.settings = name, settings

    def submit(self, job: PlacedJob) -> str:
        """Start the process."""
        import psutil

        command = [self.settings.python or sys.executable, *job.arguments]
        try:
            with Path(job.log).open("ab") as log:
                process = start_process(command, log, {**os.environ, **job.environment})
        except OSError as error:
            raise RunFailed(f"{job.name} cannot be started here: {error}") from error
        threading.Thread(target=process.wait, daemon=True).start()  # so that no dead process is left in the table
        try:
            return identify(process.pid).text
        except psutil.Error:  # it has ended already
            return ProcessIdentity(pid=process.pid, started_at=0.0).text

    def state(self, id: str) -> JobState:
        """Whether the process is there."""
        return JobState(phase="running") if from_text(id).is_there() else JobState(phase="ended")

    def cancel(self, id: str) -> None:
        """Terminate the process."""
        if process := from_text(id).process():
            process.terminate()

    def said(self, folder: str, id: str) -> str:
        """Nothing: all that it says is the job's own."""
        return ""

    def check(self) -> Iterator[Finding]:
        """That it is there."""
        yield ok("machine", "it is this one")


KIND = PlaceKind(HERE, PlaceSettings, Here, "this machine", has_queue=False)
