"""A process that has imported what others need, and is forked whenever a test starts one of them.

`python fork_server.py DESCRIPTOR MODULE...` imports the modules and answers requests at a socket: JSON, and files.
Those of a worker are its log; those of a command are its three streams, and a pipe that is told its exit code. The
answer is the id of the process. It ends when nobody is at the other end any more.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

LONGEST = 1 << 20
"""Bytes of a request."""
LAUNCHER = "torch.distributed.run"
"""It starts a worker for each of several processes."""


def main(descriptor: int, preloaded: Sequence[str]) -> None:
    """Serve until the other end is closed; in a fork, do the work and end as it does."""
    before = dict(os.environ)
    for name in preloaded:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    set_by_imports = {name: value for name, value in os.environ.items() if name not in before}
    gc.collect()
    gc.freeze()  # a fork shares what it does not look at
    signal.signal(signal.SIGCHLD, lambda number, frame: reap())
    with socket.socket(fileno=descriptor) as connection:
        while True:
            message, files, _, _ = socket.recv_fds(connection, LONGEST, 4)
            if not message:
                return
            pid = os.fork()
            if not pid:
                break
            for file in files:
                os.close(file)
            connection.sendall(str(pid).encode())
    request = json.loads(message)
    request["environment"] = set_by_imports | request["environment"]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if len(files) == 1:
        work(request, files[0])
    run_command(request, *files)


def reap() -> None:
    """Leave no dead process in the table."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def work(request: dict[str, Any], log: int) -> NoReturn:
    """Become what `python -m MODULE ARGUMENTS` would be.

    Args:
        request: module, arguments, environment and folder of the process, and those that have a `sitecustomize.py`.
        log: descriptor that it writes to.
    """
    os.setsid()
    connect(os.open(os.devnull, os.O_RDWR), log, log)
    if request["module"] == LAUNCHER:
        count = int(request["arguments"][request["arguments"].index("--nproc-per-node") + 1])
        hand_out([ForkedAhead(request) for _ in range(count)])
    become(request)


def run_command(request: dict[str, Any], stdin: int, stdout: int, stderr: int, told: int) -> NoReturn:
    """Run a command in one more process, and tell its exit code; both are a group, which can be killed."""
    os.setsid()
    command = os.fork()
    if not command:
        os.close(told)
        connect(stdin, stdout, stderr)
        become(request)
    _, status = os.waitpid(command, 0)
    os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def connect(*streams: int) -> None:
    """Let these be the three standard streams."""
    for target, source in enumerate(streams):
        os.dup2(source, target)
    for source in set(streams):
        os.close(source)


def become(request: dict[str, Any]) -> NoReturn:
    """Run a module as Python does at the command line."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = request["site"]
    if any(Path(folder, "sitecustomize.py").exists() for folder in request["site"]):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    sys.argv = ["-m", *request["arguments"]]
    sys.modules.pop(request["module"], None)
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    sys.exit(0)


class ForkedAhead:
    """A child that waits to be told what to run: its parent has many threads by then, and could not fork it any more.

    Once it is told, it is to its parent what `subprocess.Popen` gives.

    Args:
        request: that of the parent; the child is told what differs.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        reading, self._writing = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            os.close(self._writing)
            os.setsid()
            with os.fdopen(reading, encoding="utf-8") as file:
                told = file.readline()  # not to the end: those that are forked later have the other end, too
            if not told:
                os._exit(0)  # the parent is gone
            become(request | json.loads(told))
        os.close(reading)

    def tell(self, module: str, arguments: Sequence[str], environment: dict[str, str]) -> ForkedAhead:
        """Let it run a module."""
        told = {"module": module, "arguments": list(arguments), "environment": environment}
        with os.fdopen(self._writing, "w", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        return self

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code, when it has ended."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.01)
        return code


def hand_out(children: list[ForkedAhead]) -> None:
    """Let torch's launcher have these where it would start a new process for a worker."""
    from torch.distributed.elastic.multiprocessing.subprocess_handler.subprocess_handler import SubprocessHandler

    start = SubprocessHandler._popen

    def popen(handler: Any, args: tuple[str, ...], env: dict[str, str]) -> Any:
        if not children or tuple(args[:3]) != (sys.executable, "-u", "-m"):
            return start(handler, args, env)
        return children.pop().tell(args[3], args[4:], env)

    SubprocessHandler._popen = popen  # type: ignore[method-assign]


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
