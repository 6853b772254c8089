"""A plugin of pytest: workers are forked from a process that has imported torch, which takes longer than most compute.

What is forked are the workers of a run that a test starts from Python, in a terminal UI or by `zoo.cli.main`. A run
that goes on is forked from another process than it began in, so that its strings have other hashes, as they have
outside of tests. What commands in processes of their own start, the first run that goes on, and the plugins that tests
write have new processes. `ZOO_TESTS_FORK=0` gives a new one to every worker.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pytest

from tests.processes import popen
from zoo.runs import control, launcher, log

SERVER = Path(__file__).with_name("fork_server.py")
MODULES = {"zoo.runs.worker", "zoo.testing.watched_worker", "torch.distributed.run"}
"""What is forked to run."""
READ_LATE = (
    "ZOO_",
    "HF_",
    "PYTEST_",
    "PYTHONPATH",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
    "LRU_CACHE_CAPACITY",
    "TORCHINDUCTOR_CACHE_DIR",
)
"""Beginnings of variables that may differ: a fork follows its PYTHONPATH, zoo itself reads those of the Hub, as no
worker lets a library ask there, how many kernels are kept is asked when the first is compiled, and torch, once a test
has imported it, names a folder for what no worker compiles. All others may be known to what was imported."""
PRELOADED = (
    "accelerate.accelerator",
    "numpy",
    "PIL.Image",
    "safetensors.torch",
    "tokenizers",
    "torch",
    "torch.distributed.elastic.agent.server.local_elastic_agent",
    "torch.distributed.launcher.api",
    "transformers",
    "zoo.runs.training_job",
    "zoo.testing",
    "zoo.training.engine",
)
"""None of them starts a thread or computes anything when it is imported, so that a fork is as good as a new process."""
LIGHT_PLUGINS = {"echo": ("zoo.runs.worker", "zoo.runs.training_job", "zoo.runs.prediction_job", "zoo_echo.plugin")}
"""Plugins without torch, and what their workers import."""


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
        modules: what it imports.
        read_late: beginnings of further variables that are read late.
    """

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str], read_late: tuple[str, ...] = ()) -> None:
        self._read_late = READ_LATE + read_late
        self._fixed, self._lock = self._of_imports(environment), threading.Lock()
        self._here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            command = [sys.executable, "-P", str(SERVER), str(there.fileno()), *modules]
            self._process = popen(command, env=dict(environment), pass_fds=(there.fileno(),), stdin=subprocess.DEVNULL)

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether what it has imported is what a process of that environment would import."""
        return self._of_imports(environment) == self._fixed

    def _of_imports(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables that what is imported may know."""
        return {name: value for name, value in environment.items() if not name.startswith(self._read_late)}

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
        return ForkedProcess(self._ask(request, log.fileno()))

    def run(
        self,
        module: str,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path,
        stdin: bytes,
        timeout: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m MODULE WORDS` to its end."""
        request = {
            "module": module,
            "arguments": list(words),
            "environment": dict(environment),
            "folder": str(folder),
            "site": [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry],
        }
        with ExitStack() as files:
            given, out, error = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            given.write(stdin)
            given.seek(0)
            ended, end = os.pipe()
            files.callback(os.close, ended)
            try:
                pid = self._ask(request, given.fileno(), out.fileno(), error.fileno(), end)
            finally:
                os.close(end)
            with selectors.DefaultSelector() as selector:
                selector.register(ended, selectors.EVENT_READ)
                if not selector.select(timeout):
                    os.killpg(pid, signal.SIGKILL)
                    pytest.fail(f"no end of {' '.join(words)} within {timeout:.0f} s")
            code = int(os.read(ended, 32))
            for stream in (out, error):
                stream.seek(0)
            return subprocess.CompletedProcess(words, code, text_of(out.read()), text_of(error.read()))

    def _ask(self, request: dict[str, Any], *files: int) -> int:
        with self._lock:
            socket.send_fds(self._here, [json.dumps(request).encode()], files)
            return int(self._here.recv(32))

    def close(self) -> None:
        """End it."""
        self._here.close()
        self._process.wait()


class Workers:
    """Starts the workers of tests."""

    def __init__(self) -> None:
        self._servers: dict[str, ForkServer] = {}
        self._environment, self._lock = launcher.environment(), threading.Lock()
        self._resumed = 0

    def start(self, command: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> launcher.WorkerHandle:
        """Fork what can be forked."""
        site = self.sites(environment)
        if not forkable(command) or not all(map(only_customizes, site)):
            return start_process(command, log, environment)
        server = self.server(environment.get("ZOO_PLUGINS", ""), int(environment["ZOO_ATTEMPT"]), command[2])
        if server is None or not server.serves(environment):
            return start_process(command, log, environment)
        return server.fork(command, log, environment, site)

    def server(self, plugins: str, attempt: int, module: str) -> ForkServer | None:
        """The process that is forked for an attempt at a run: not that of the attempt before."""
        light = plugins in LIGHT_PLUGINS and module == "zoo.runs.worker"
        with self._lock:
            if attempt > 1:
                self._resumed += not light
                if light or self._resumed == 1:
                    return None
            name = plugins if light else ("even", "odd")[attempt % 2]
            if name not in self._servers:
                self._servers[name] = ForkServer(self._environment, LIGHT_PLUGINS.get(name, PRELOADED))
            return self._servers[name]

    def sites(self, environment: Mapping[str, str]) -> list[str]:
        """The folders that a test has put in front of where all processes look for modules."""
        path = environment.get("PYTHONPATH", "").removesuffix(self._environment.get("PYTHONPATH", ""))
        return [entry for entry in path.split(os.pathsep) if entry]

    def close(self) -> None:
        """End the processes that are forked."""
        for server in self._servers.values():
            server.close()


def text_of(output: bytes) -> str:
    """What was printed, as subprocess gives it."""
    return output.decode().replace("\r\n", "\n").replace("\r", "\n")


def only_customizes(folder: str) -> bool:
    """Whether a folder changes what processes do, and has no modules that they could import in place of others."""
    return [path.name for path in Path(folder).iterdir() if path.name != "__pycache__"] == ["sitecustomize.py"]


start_process = launcher.start_process


def forkable(command: Sequence[str]) -> bool:
    """Whether it is what workers run."""
    return command[:2] == [sys.executable, "-m"] and command[2] in MODULES


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


@pytest.fixture(scope="session", autouse=True)
def frequent_looks() -> Iterator[None]:
    """Look more often whether a run has ended than it would be worth the while of a person."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (control, log):
            patch.setattr(module, "POLL_S", 0.02)
        yield
