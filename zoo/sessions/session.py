"""A session: a process that one process opens, asks, and ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from zoo.errors import RunFailed
from zoo.plugins import wrapping_plugins
from zoo.runs.last_words import last_words
from zoo.runs.launcher import environment
from zoo.runs.oom import kill_counts
from zoo.sessions.conversation import Conversation
from zoo.sessions.messages import LoadRequest

EXIT_TIMEOUT_S = 2.0


class Session(Conversation):
    """A model loaded in a process of its own; ends with `close`, or with the process that opened it.

    Args:
        model: name of a card or of a finished run.
        task: what it shall answer; needed only where it knows several.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16, fp16 or int8.
        options: of the model's predict ability.

    Raises:
        RunFailed: the process cannot be started.
    """

    def __init__(
        self,
        model: str,
        *,
        task: str = "",
        device: str = "auto",
        precision: str = "auto",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        wrappers = wrapping_plugins()
        self._oom_kills = kill_counts(os.getpid())
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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        super().__init__(model, self._process.stdout, self._process.stdin)
        self.send_request(
            LoadRequest(
                model=model,
                wrappers=wrappers,
                task=task,
                device=device,
                precision=precision,
                options=dict(options or {}),
            )
        )

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

    def close(self) -> None:
        """End the process; a call that waits for an answer, or an answer that is not read to its end, has an error."""
        with contextlib.suppress(OSError):
            self._requests.close()
        try:
            self._process.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._replies.close()  # whoever reads there has read the end, now that the process is gone
        self._words.close()

    def last_words(self) -> str:
        """What the process printed before it was gone, or that the system has killed some for lack of memory."""
        return last_words(self._words, self._oom_kills)
