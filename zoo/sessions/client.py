"""The one who asks: opens a session, waits until it is ready, gets answers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import msgspec

from zoo import errors
from zoo.errors import RunFailed, ZooError
from zoo.prediction import Prediction
from zoo.runs.launcher import environment
from zoo.sanitize import one_line
from zoo.sessions.messages import Answered, Ask, Failed, Fetching, Open, Ready, Reply

_LAST_WORDS = 2000
"""Bytes of what a worker printed that are looked at when it is gone."""
EXIT_TIMEOUT_S = 2.0


class Session:
    """A model loaded in a process of its own; ends with `close`, or with the process that opened it.

    Args:
        model: name of a card or of a finished run.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16, fp16 or int8.
        options: of the model's predict ability.

    Raises:
        RunFailed: the process cannot be started.
    """

    def __init__(
        self, model: str, *, device: str = "auto", precision: str = "auto", options: Mapping[str, Any] | None = None
    ) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the session)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "zoo.sessions.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                env=environment(),
            )
        except OSError as error:
            self._words.close()
            raise RunFailed(f"a process for {model} cannot be started: {error}") from error
        self._say(Open(model=model, device=device, precision=precision, options=dict(options or {})))

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process that holds the model."""
        return self._process.pid

    def wait_until_ready(self, on_fetching: Callable[[Fetching], None] | None = None) -> Ready:
        """Wait for the model; asked before anything else.

        Args:
            on_fetching: told how a download goes.

        Raises:
            ZooError: the model cannot be loaded; of the class that says why.
        """
        with self._lock:
            while True:
                reply = self._hear()
                if isinstance(reply, Ready):
                    return reply
                if isinstance(reply, Fetching) and on_fetching is not None:
                    on_fetching(reply)

    def predict(self, inputs: Sequence[str]) -> list[Prediction]:
        """Answer texts, or files by their paths, in order; callers in several threads take turns.

        Raises:
            ZooError: the model could not answer, or its process is gone.
        """
        with self._lock:
            self._say(Ask(inputs=list(inputs)))
            reply = self._hear()
            assert isinstance(reply, Answered)
            return reply.predictions

    def close(self) -> None:
        """End the process; a call that waits for an answer ends with an error."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._lock:
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._words.close()

    def _say(self, request: Open | Ask) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._gone() from None

    def _hear(self) -> Reply:
        assert self._process.stdout is not None
        line = b"" if self._process.stdout.closed else self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._gone()
        reply: Reply = msgspec.json.decode(line, type=Reply)
        if isinstance(reply, Failed):
            raise _error(reply)
        return reply

    def _gone(self) -> RunFailed:
        return RunFailed(f"the process that held {self.model} is gone", self._last_words())

    def _last_words(self) -> str:
        if self._words.closed:
            return ""
        end = self._words.seek(0, 2)
        self._words.seek(max(0, end - _LAST_WORDS))
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f"it last said: {one_line(lines[-1])}" if lines else ""


def _error(reply: Failed) -> ZooError:
    """The error as the worker raised it."""
    kind = getattr(errors, reply.kind, None)
    if isinstance(kind, type) and issubclass(kind, ZooError):
        return kind(reply.message, reply.hint)
    return RunFailed(reply.message, reply.hint)
