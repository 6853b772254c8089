"""The process that holds the connections of a job: `python -m zoo.places.host_launcher ID` begins it on all machines.

It ends when the job has ended on all of them. Once one has failed the others have some time to end by themselves. Where
a machine was lost, and that is asked for, all is begun again. SIGTERM ends the job.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

import msgspec

from zoo.places.host_jobs import HostJob, HostStart, Record, keep, take_over
from zoo.places.host_process import GRACE_S
from zoo.places.node import NODE_LOST
from zoo.places.place import JobState
from zoo.process_identity import identify

POLL_S = 0.2
FIRST_WAIT_S, LONGEST_WAIT_S = 3.0, 300.0
"""Before it is begun again; twice as long each time."""
MOST_TRIES = 20
_SIGNALLED, _SSH_FAILED = 128, 255


class _Launcher:
    """One job."""

    def __init__(self, id: str, job: HostJob) -> None:
        self._id, self._job, self._cancelled = id, job, False
        self._process = msgspec.structs.asdict(identify(os.getpid()))

    def cancel(self, number: int, frame: FrameType | None) -> None:
        """End the job."""
        self._cancelled = True

    def work(self) -> int:
        """Begin the job, as often as it takes; 0 when it has ended well everywhere."""
        wait_s = FIRST_WAIT_S
        for tries in range(MOST_TRIES):
            self._keep(JobState(phase="running"))
            codes = self._begun(tries)
            state = self._ended(codes)
            if not (state.interrupted and self._job.requeue) or self._cancelled:
                break
            self._keep(JobState(phase="waiting", reason=f"{state.reason}; it is begun again"))
            self._wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
        self._keep(state)
        return int(any(codes))

    def _begun(self, tries: int) -> list[int]:
        """The exit codes of all machines, in their order, once all have ended."""
        processes = [self._start(command, start, tries) for _, command, start in self._job.starts]
        end_at = float("inf")
        while any(process.poll() is None for process in processes):
            time.sleep(POLL_S)
            if self._cancelled or any(process.poll() for process in processes):
                end_at = min(end_at, time.monotonic() + (0 if self._cancelled else self._job.patience_s))
            if self._cancelled or time.monotonic() > end_at:
                _end(processes)
        return [process.wait() for process in processes]

    def _start(self, command: Sequence[str], start: HostStart, tries: int) -> subprocess.Popen[bytes]:
        attempt = start.environment.get("ZOO_ATTEMPT")
        again = {"ZOO_ATTEMPT": str(int(attempt) + tries)} if attempt else {}
        line = HostStart(arguments=start.arguments, environment={**start.environment, **again}).line()
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)
        except OSError as error:
            print(f"zoo: {command[0]} cannot be started: {error}", file=sys.stderr)  # noqa: T201  (the log)
            return subprocess.Popen([sys.executable, "-c", "import sys; sys.exit(127)"])
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended already: its exit code says how
            process.stdin.write(line + b"\n")
        return process

    def _ended(self, codes: Sequence[int]) -> JobState:
        """What the exit codes say."""
        if self._cancelled:
            return JobState(phase="ended", word="CANCELLED", reason="it was cancelled", interrupted=True)
        failed = [(name, code) for (name, _, _), code in zip(self._job.starts, codes, strict=True) if code != 0]
        if not failed:
            return JobState(phase="ended", word="DONE", reason="it has ended")
        lost = [code for _, code in failed if code < 0 or code >= _SIGNALLED or code == NODE_LOST]
        words = ", ".join(f"{name} ended with exit code {code}" for name, code in failed)
        return JobState(phase="ended", word="LOST" if lost else "FAILED", reason=words, interrupted=bool(lost))

    def _keep(self, state: JobState) -> None:
        keep(self._id, Record(state=state, **self._process))

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._cancelled:
            time.sleep(POLL_S)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Close all connections, which ends what was begun; what still holds one is killed."""
    for process in processes:
        if process.stdin is not None:
            with contextlib.suppress(OSError):  # it has ended before it had read what it was sent
                process.stdin.close()
    deadline = time.monotonic() + GRACE_S + 10
    while any(process.poll() is None for process in processes):
        if time.monotonic() > deadline:
            for process in processes:
                process.kill()
        time.sleep(POLL_S)


def main(id: str) -> int:
    """Begin a job that was left for it."""
    launcher = _Launcher(id, take_over(id))
    signal.signal(signal.SIGTERM, launcher.cancel)
    signal.signal(signal.SIGINT, launcher.cancel)
    return launcher.work()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
