"""A job on machines that commands are started on: what is started, and what has become of it, below the store."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.paths import home
from zoo.places.place import JobState
from zoo.process_identity import ProcessIdentity

KEPT_S = 30 * 24 * 3600.0
"""How long it is known what became of a job."""
STARTING_S = 60.0
"""How long a process may take to write down that it is there."""


class HostStart(msgspec.Struct, frozen=True, kw_only=True):
    """What is begun on a machine."""

    arguments: tuple[str, ...]
    """Of Python."""
    environment: dict[str, str] = {}
    """Variables beside those that there are."""

    def line(self) -> bytes:
        """As it is sent there: environments hold secrets, which command lines do not."""
        return msgspec.json.encode(self)


class HostJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is begun on all machines."""

    starts: tuple[tuple[str, tuple[str, ...], HostStart], ...]
    """Name, what is started here to reach it, and what is begun there."""
    log: str
    requeue: bool = False
    patience_s: float
    """How long the others may go on when one has failed: they know best why."""


class Record(ProcessIdentity, frozen=True, kw_only=True):
    """What is known of a job, and the process that holds the connections."""

    state: JobState = JobState(phase="running")
    pid: int = 0
    """0 before the process has written itself down."""
    started_at: float = msgspec.field(default_factory=time.time)
    """Before that, when it was asked for."""

    def is_there(self) -> bool:
        """Whether that process is, or may still come."""
        return super().is_there() if self.pid else time.time() - self.started_at < STARTING_S

    def terminate(self) -> None:
        """Ask that process to end the job."""
        if self.pid and (process := self.process()):
            process.terminate()


def records_folder() -> Path:
    """Where records are."""
    return home() / "places" / "hosts"


def keep(id: str, record: Record) -> None:
    """Write down what is known of a job."""
    path = records_folder() / f"{id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(path, msgspec.json.encode(record))


def kept(id: str) -> Record | None:
    """What is known of a job; None where nothing is."""
    try:
        return msgspec.json.decode((records_folder() / f"{id}.json").read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def hand_over(id: str, job: HostJob) -> None:
    """Leave a job to the process that starts it; what is left there may hold secrets, and only this person reads it."""
    path = records_folder() / f"{id}.job"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(job))


def take_over(id: str) -> HostJob:
    """The job that was left, which is there no more afterwards."""
    path = records_folder() / f"{id}.job"
    job = msgspec.json.decode(path.read_bytes(), type=HostJob)
    path.unlink()
    return job


def forget_old() -> None:
    """Remove what is known of jobs that ended long ago, and those that nobody has taken over."""
    for pattern, kept_s in (("*.json", KEPT_S), ("*.job", STARTING_S)):
        for path in records_folder().glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > kept_s:
                    path.unlink()
