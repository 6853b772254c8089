"""What this process writes to stdout where that is a terminal, and commands at a terminal of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from tests.processes import popen
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode


def terminal_output(monkeypatch: pytest.MonkeyPatch, write: Callable[[], object]) -> str:
    """All that is written meanwhile, its line ends as a program writes them; TERM, COLUMNS and NO_COLOR count."""
    ours, theirs = os.openpty()
    parts: list[bytes] = []

    def read() -> None:
        while part := _read(ours):
            parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        write()
    reader.join()
    os.close(ours)
    return _as_written(b"".join(parts))


def command_output(monkeypatch: pytest.MonkeyPatch, *words: str, code: ExitCode = ExitCode.OK) -> str:
    """The same of a command, which ends with this code."""
    codes: list[ExitCode] = []
    output = terminal_output(monkeypatch, lambda: codes.append(main(list(words))))
    assert [code] == codes
    return output


class CommandTerminal:
    """A command in a process of its own, whose stdout is a terminal.

    Args:
        words: of the command.
        typed: whether its stdin is the terminal, too.
    """

    def __init__(self, *words: str, typed: bool = False) -> None:
        self._ours, theirs = os.openpty()
        self.process = popen(
            [sys.executable, "-m", "zoo", *words],
            stdin=theirs if typed else subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
            env=os.environ | {"NO_COLOR": "1"},
        )
        os.close(theirs)
        self._text = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def shows(self, text: str) -> str:
        """What has come since the last call, up to a text, for which it waits."""
        while text not in self._text:
            part = _read(self._ours)
            assert part, f"{text!r} did not come: {self._text!r}, {self.errors()}"
            self._text += _as_written(part)
        shown, _, self._text = self._text.partition(text)
        return shown + text

    def rest(self) -> str:
        """What has come since the last call, to the end."""
        while part := _read(self._ours):
            self._text += _as_written(part)
        shown, self._text = self._text, ""
        return shown

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> int:
        """Its code, once it has ended."""
        return self.process.wait(30)

    def errors(self) -> str:
        """What was said on stderr, once the command has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        assert self.process.stderr is not None
        self.process.stderr.close()


def _read(terminal: int) -> bytes:
    """What comes next; nothing once the other end is closed, which Linux has as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def _as_written(part: bytes) -> str:
    return part.decode().replace("\r\n", "\n")
