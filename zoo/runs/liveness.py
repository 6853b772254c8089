"""Whether a run's worker is alive: its process id and start time, and a heartbeat where the process cannot be seen."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import IO

import msgspec

from zoo import atomic
from zoo.locking import try_lock
from zoo.runs import placement
from zoo.runs.oom import kill_counts
from zoo.runs.store import RunFolder

HEARTBEAT_S = 5.0
HEARTBEAT_LOST_S = 60.0
"""A worker of another machine that was silent for this long is gone."""
START_TIME_TOLERANCE_S = 1.0
LOCK_POLL_S = 0.1


class WorkerProcess(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `worker.json`."""

    pid: int
    """Of the process to signal: the worker, or the launcher of several."""
    started_at: float
    """Start time of that process, Unix seconds; distinguishes it from a later one with the same pid."""
    host: str
    oom_kills: dict[str, int] = {}
    """Processes that had been killed for lack of memory when it started, as `oom.kill_counts` gives them."""


def describe(pid: int) -> WorkerProcess:
    """Name a process of this machine so that it can be recognised later."""
    import psutil

    started_at = psutil.Process(pid).create_time()
    return WorkerProcess(pid=pid, started_at=started_at, host=socket.gethostname(), oom_kills=kill_counts(pid))


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
    return process_is_alive(worker)


def is_here(worker: WorkerProcess) -> bool:
    """Whether a worker is a process of this machine."""
    return worker.host == socket.gethostname()


def process_is_alive(worker: WorkerProcess) -> bool:
    """Whether a process of this machine is there and is the one that was written down."""
    import psutil

    try:
        process = psutil.Process(worker.pid)
        same: bool = abs(process.create_time() - worker.started_at) < START_TIME_TOLERANCE_S
        zombie: bool = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return same and not zombie


def went_down_since(worker: WorkerProcess) -> bool:
    """Whether this machine, or the container that stands for it, was started anew after a process of it."""
    import psutil

    try:
        started_at = psutil.Process(1).create_time()
    except psutil.Error:  # not on Windows
        started_at = psutil.boot_time()
    return is_here(worker) and worker.started_at < started_at - START_TIME_TOLERANCE_S


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
