"""`zoo` as a person types it, to its end: a process of its own, forked from one that has imported the commands."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.forked_workers import ForkServer, text_of
from zoo.cli.commands import COMMANDS

MODULES = ("zoo.cli.parser", *(module for module, _ in COMMANDS.values()))
OWN = ("COLUMNS", "LINES", "NO_COLOR", "PATH", "STANDIN", "TERM", "XDG_")
"""Beginnings of variables that a command, or a plugin, reads when it needs them."""
ENVIRONMENT = dict(os.environ)
"""As it is before any test."""


def zoo(
    *words: str,
    stdin: str | bytes = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float = 120.0,
) -> subprocess.CompletedProcess[str]:
    """Run a command.

    Args:
        words: those behind `zoo`.
        stdin: what it reads there.
        environment: that of the test where none is given.
        folder: where it is typed; where the test is if none is given.
        timeout: seconds that it may take.
    """
    environment = dict(os.environ) if environment is None else environment
    folder = folder or Path.cwd()
    given = stdin.encode() if isinstance(stdin, str) else stdin
    if server := _server_for(environment):
        return server.run("zoo.__main__", words, environment, folder=folder, stdin=given, timeout=timeout)
    command = [sys.executable, "-m", "zoo", *words]
    done = subprocess.run(
        command, input=given, capture_output=True, timeout=timeout, env=environment, cwd=folder, check=False
    )
    return subprocess.CompletedProcess(words, done.returncode, text_of(done.stdout), text_of(done.stderr))


def _server_for(environment: Mapping[str, str]) -> ForkServer | None:
    """The process to fork; None where one that starts in that environment would be another."""
    if sys.platform != "linux" or os.environ.get("ZOO_TESTS_FORK") == "0":
        return None
    server = _server()
    return server if server.serves(environment) else None


@cache
def _server() -> ForkServer:
    server = ForkServer(ENVIRONMENT, MODULES, read_late=OWN)
    atexit.register(server.close)
    return server
