"""Whether a run's worker is alive: which process it is, and a heartbeat where the process cannot be seen."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import IO

import msgspec

from zoo import atomic
from zoo.locking import try_lock
from zoo.process_identity import ProcessIdentity, identify
from zoo.runs import placement
from zoo.runs.oom import kill_counts
from zoo.runs.store import RunFolder

HEARTBEAT_S = 5.0
HEARTBEAT_LOST_S = 60.0
"""A worker of another machine that was silent for this long is gone."""
LOCK_POLL_S = 0.1


class WorkerProcess(ProcessIdentity, frozen=True, kw_only=True):
    """The content of `worker.json`: the process to signal, which is the worker, or the launcher of several."""

    host: str
    oom_kills: dict[str, int] = {}
    """Processes that had been killed for lack of memory when it started, as `oom.kill_counts` gives them."""


def describe(pid: int) -> WorkerProcess:
    """Name a process of this machine so that it can be recognised later."""
    identity = msgspec.structs.asdict(identify(pid))
    return WorkerProcess(**identity, host=socket.gethostname(), oom_kills=kill_counts(pid))


def record(folder: RunFolder, pid: int) -> None:
    """Write down who works on the run; a process that is gone already leaves nothing to be recognised by."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        atomic.write_bytes(folder.worker_path, msgspec.json.encode(describe(pid)))


def recorded(folder: RunFolder) -> WorkerProcess | None:
    """Who was last written down; None where nobody was."""
    try:
        return msgspec.json.decode(folder.worker_path.read_bytes(), type=WorkerProcess)
    except (OSError, UnicodeError, msgspec.DecodeError):
        return None


def is_alive(folder: RunFolder) -> bool:
    """Whether the run's worker is there, or comes by itself when the run's turn at its place has come."""
    if (placed := placement.recorded(folder)) is not None:
        return placement.is_alive(folder, placed)
    worker = recorded(folder)
    if worker is None:
        return False
    if not is_here(worker):
        return time.time() - folder.worker_path.stat().st_mtime < HEARTBEAT_LOST_S
    return worker.is_there()


def is_here(worker: WorkerProcess) -> bool:
    """Whether a worker is a process of this machine."""
    return worker.host == socket.gethostname()


def went_down_since(worker: WorkerProcess) -> bool:
    """Whether this machine, or the container that stands for it, was started anew after a process of it."""
    return is_here(worker) and worker.is_of_earlier_boot()


def beat(folder: RunFolder) -> None:
    """Show that the worker is there."""
    os.utime(folder.worker_path)


def claim(folder: RunFolder, *, timeout_s: float = 0.0) -> IO[bytes] | None:
    """Lock the run for this process until it ends or closes the file; None where another process has it.

    Args:
        folder: the run.
        timeout_s: how long to wait for a killed worker, which keeps its locks until its memory is given back.
    """
    deadline = time.monotonic() + timeout_s
    file = (folder.path / "worker.lock").open("ab")
    while not try_lock(file):
        if time.monotonic() > deadline:
            file.close()
            return None
        time.sleep(LOCK_POLL_S)
    return file
