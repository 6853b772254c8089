"""A plugin of pytest: workers are forked from a process that has imported torch, which takes longer than most compute.

What is forked is the first attempt at a run that a test starts from Python, in a terminal UI or by `zoo.cli.main`.
Resumed runs, what commands in processes of their own start, and the plugin without torch have new processes, whose
strings have other hashes, as they are outside of tests. `ZOO_TESTS_FORK=0` gives a new one to every worker.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import pytest

from tests.processes import popen
from zoo.runs import launcher

SERVER = Path(__file__).with_name("fork_server.py")
MODULES = {"zoo.runs.worker", "zoo.testing.watched_worker", "torch.distributed.run"}
"""What is forked to run."""
READ_LATE = ("ZOO_", "HF_", "PYTEST_", "PYTHONPATH")
"""Beginnings of variables that may differ: a fork follows its PYTHONPATH, and zoo itself reads those of the Hub, as no
worker lets a library ask there. All others may be known to what was imported."""
FRESH_PLUGINS = {"echo"}
"""They import nothing that takes long."""


class ForkedProcess:
    """A process of the server's; it is waited for there.

    Args:
        pid: its id.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self) -> int:
        """Nobody has to take note of its end."""
        return 0


class ForkServer:
    """The process that is forked.

    Args:
        environment: its own; that of a fork differs only in what is read late.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._fixed, self._lock = fixed(environment), threading.Lock()
        self._here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            command = [sys.executable, str(SERVER), str(there.fileno())]
            self._process = popen(command, env=dict(environment), pass_fds=(there.fileno(),), stdin=subprocess.DEVNULL)

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether what it has imported is what a process of that environment would import."""
        return fixed(environment) == self._fixed

    def fork(
        self, command: Sequence[str], log: IO[bytes], environment: Mapping[str, str], site: Sequence[str]
    ) -> ForkedProcess:
        """Start `python -m MODULE ARGUMENTS`, which runs the `sitecustomize.py` of some folders first."""
        request = {
            "module": command[2],
            "arguments": list(command[3:]),
            "environment": dict(environment),
            "folder": str(Path.cwd()),
            "site": list(site),
        }
        with self._lock:
            socket.send_fds(self._here, [json.dumps(request).encode()], [log.fileno()])
            return ForkedProcess(int(self._here.recv(32)))

    def close(self) -> None:
        """End it."""
        self._here.close()
        self._process.wait()


class Workers:
    """Starts the workers of tests."""

    def __init__(self) -> None:
        self._server: ForkServer | None = None
        self._environment, self._lock = launcher.environment(), threading.Lock()

    def start(self, command: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> launcher.WorkerHandle:
        """Fork what can be forked."""
        site = self.sites(environment)
        if not forkable(command, environment) or not all(map(only_customizes, site)):
            return start_process(command, log, environment)
        with self._lock:
            self._server = self._server or ForkServer(self._environment)
        if not self._server.serves(environment):
            return start_process(command, log, environment)
        return self._server.fork(command, log, environment, site)

    def sites(self, environment: Mapping[str, str]) -> list[str]:
        """The folders that a test has put in front of where all processes look for modules."""
        path = environment.get("PYTHONPATH", "").removesuffix(self._environment.get("PYTHONPATH", ""))
        return [entry for entry in path.split(os.pathsep) if entry]

    def close(self) -> None:
        """End the process that is forked."""
        if self._server:
            self._server.close()


def only_customizes(folder: str) -> bool:
    """Whether a folder changes what processes do, and has no modules that they could import in place of others."""
    return [path.name for path in Path(folder).iterdir() if path.name != "__pycache__"] == ["sitecustomize.py"]


start_process = launcher.start_process


def forkable(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether it is a first attempt that imports torch."""
    first = environment["ZOO_ATTEMPT"] == "1" and environment.get("ZOO_PLUGINS") not in FRESH_PLUGINS
    return first and command[:2] == [sys.executable, "-m"] and command[2] in MODULES


def fixed(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that what is imported may know."""
    return {name: value for name, value in environment.items() if not name.startswith(READ_LATE)}


@pytest.fixture(scope="session", autouse=True)
def forked_workers() -> Iterator[None]:
    """Fork the workers of runs that tests start."""
    if sys.platform != "linux" or os.environ.get("ZOO_TESTS_FORK") == "0":
        yield
        return
    workers = Workers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "start_process", workers.start)
        yield
    workers.close()
