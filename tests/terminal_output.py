"""What this process writes to stdout where that is a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable

import pytest

from zoo.cli import main
from zoo.cli.exit_codes import ExitCode


def terminal_output(monkeypatch: pytest.MonkeyPatch, write: Callable[[], object]) -> str:
    """All that is written meanwhile, its line ends as a program writes them; TERM, COLUMNS and NO_COLOR count."""
    ours, theirs = os.openpty()
    parts: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # Linux has no other end of a terminal that was closed
            while part := os.read(ours, 4096):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        write()
    reader.join()
    os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n")


def command_output(monkeypatch: pytest.MonkeyPatch, *words: str, code: ExitCode = ExitCode.OK) -> str:
    """The same of a command, which ends with this code."""
    codes: list[ExitCode] = []
    output = terminal_output(monkeypatch, lambda: codes.append(main(list(words))))
    assert [code] == codes
    return output
