"""What is started on a machine: `python -m zoo.places.host_process` reads a line, and does what that says.

The line comes from `zoo.places.host_launcher`, by whatever connects the two. When the connection is closed, by it or
because it is gone, what was begun here is ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

import msgspec

from zoo.places.host_jobs import HostStart

GRACE_S = 60.0
"""How long what was begun here may take to end: a worker makes a checkpoint first."""


def main() -> int:
    """Do as the line says; returns the exit code of what was begun, as a shell has it."""
    line = sys.stdin.buffer.readline()
    if not line:
        print("zoo: nobody has said what to do here", file=sys.stderr)  # noqa: T201  (whoever started it reads it)
        return 2
    start = msgspec.json.decode(line, type=HostStart)
    command, environment = [sys.executable, *start.arguments], {**os.environ, **start.environment}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)

    def end(number: int, frame: FrameType | None) -> None:
        process.terminate()

    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)
    threading.Thread(target=_end_with_connection, args=(process,), daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


def _end_with_connection(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 1024):
            pass
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _kill(process.pid)


def _kill(pid: int) -> None:
    """Kill a process, and what it has started."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for one in (*parent.children(recursive=True), parent):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


if __name__ == "__main__":
    sys.exit(main())
