"""A comparison whose models answer in a process of its own, for those who must neither wait nor import torch."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import IO

import msgspec

from zoo.comparison.messages import Compared, CompareRequest, Refused, Reply
from zoo.comparison.result import Comparison
from zoo.encoding import encode_json
from zoo.errors import RunCancelled, RunFailed, Unsupported
from zoo.jobs import Place
from zoo.runs.last_words import last_words
from zoo.runs.launcher import environment
from zoo.runs.oom import kill_counts


class ComparisonElsewhere:
    """Models that answer the same rows in a process, which ends with this one.

    Args:
        names: of runs, heads of runs, or models.
        place: where models answer.
    """

    def __init__(self, names: Sequence[str], place: Place) -> None:
        self._request = CompareRequest(names=tuple(names), device=place.device, precision=place.precision)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def result(self, tell: Callable[[str], None]) -> Comparison:
        """Wait for what comes of it.

        Args:
            tell: is told how far it is.

        Raises:
            RunCancelled: it was closed meanwhile.
            Unsupported: the models cannot be compared.
            RunFailed: the process cannot be started, or is gone without a word.
        """
        oom_kills = kill_counts(os.getpid())
        with tempfile.TemporaryFile() as words:
            process = self._started(words)
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    reply = _reply(line)
                    if isinstance(reply, Compared):
                        return reply.comparison
                    if isinstance(reply, Refused):
                        raise Unsupported(reply.message, reply.hint)
                    if reply is not None:
                        tell(reply.text)
            finally:
                self._end()
                process.stdout.close()
            if self._is_closed:
                raise RunCancelled("the comparison was left")
            hint = last_words(words, oom_kills) or "zoo compare shows more"
            raise RunFailed("the process that compared is gone", hint)

    def close(self) -> None:
        """End the process; may be called from any thread, at any time, and waits for nothing."""
        self._is_closed = True
        threading.Thread(target=self._end, daemon=True).start()  # one with a GPU takes long to go

    def _started(self, words: IO[bytes]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_closed:
                raise RunCancelled("the comparison was left")
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "zoo.comparison.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=words,
                    env=environment(),
                )
            except OSError as error:
                raise RunFailed(f"a process that compares cannot be started: {error}") from error
            process = self._process
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(encode_json(self._request) + b"\n")
                process.stdin.flush()
        return process

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _reply(line: bytes) -> Reply | None:
    """What a line says; None of one whose end never came."""
    return msgspec.json.decode(line, type=Reply) if line.endswith(b"\n") else None
