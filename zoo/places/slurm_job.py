"""What Slurm starts on a node, by way of submitit: a worker, and what tells it by a file that its time is over."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from submitit.core.utils import DelayedSubmission

from zoo.places.node import NODE_LOST
from zoo.places.place import INTERRUPT_FILE, PlacedJob


class PlacedWorker:
    """A job of a place, as submitit pickles it; Slurm sends its signal to all processes, and only this one heeds it."""

    def __init__(self, job: PlacedJob) -> None:
        self.job = job
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Start the worker and wait for its end; submitit calls it once on each node."""
        if os.environ.get("SLURM_PROCID", "0") == "0":
            self._interrupt_file.unlink(missing_ok=True)
        with Path(self.job.log).open("ab") as log:
            self._process = _deaf_process([sys.executable, *self.job.arguments], self._environment(), log)
        code = self._process.wait()
        if code == NODE_LOST and self.job.requeue:
            _begin_again(os.environ["SLURM_JOB_ID"], int(os.environ.get("SLURM_RESTART_COUNT") or 0))
        return code

    def checkpoint(self) -> DelayedSubmission | None:
        """Let the worker make a checkpoint and end; submitit calls it on Slurm's signal, and requeues what it returns.

        The worker keeps the file where there is something to go on with.
        """
        self._interrupt_file.write_text("its time there is over", encoding="utf-8")
        if self._process is not None:  # which the code that is interrupted waits for, and has locked
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        again = self.job.requeue and self._interrupt_file.exists()
        return DelayedSubmission(PlacedWorker(self.job)) if again else None

    @property
    def _interrupt_file(self) -> Path:
        return Path(self.job.folder) / INTERRUPT_FILE

    def _environment(self) -> dict[str, str]:
        """The variables of the worker; each time that Slurm begins the job again is an attempt of its own."""
        environment = {**os.environ, **self.job.environment}
        if attempt := self.job.environment.get("ZOO_ATTEMPT"):
            environment["ZOO_ATTEMPT"] = str(int(attempt) + int(os.environ.get("SLURM_RESTART_COUNT") or 0))
        return environment


def _begin_again(id: str, restarts: int) -> None:
    """Put a job back into the queue, which Slurm does by itself only where it has seen that a node failed.

    Args:
        id: of the job.
        restarts: how often it had been begun again when this was started: a node that was cut off, and is back, leaves
            alone what was begun meanwhile.
    """
    process = subprocess.run(["scontrol", "show", "job", id], capture_output=True, text=True, check=False)
    found = re.search(r"\bRestarts=(\d+)", process.stdout)
    if found is None or int(found[1]) == restarts:
        subprocess.run(["scontrol", "requeue", id], check=False)


def _deaf_process(command: list[str], environment: dict[str, str], log: Any) -> subprocess.Popen[bytes]:
    """A process that passes over the signals by which Slurm says that time is over, as its children do."""
    signals = (signal.SIGUSR1, signal.SIGUSR2)
    handlers = [signal.signal(one, signal.SIG_IGN) for one in signals]
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    finally:
        for one, handler in zip(signals, handlers, strict=True):
            signal.signal(one, handler)
