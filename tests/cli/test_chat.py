"""`zoo predict MODEL` at a terminal, with a model that chats: a conversation, as a person has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.parrot import install_parrot
from tests.plugin_site import Site
from tests.plugin_site import zoo as command
from tests.processes import popen
from zoo.cli.exit_codes import ExitCode

pty = pytest.importorskip("pty")

pytestmark = pytest.mark.slow


class Terminal:
    """The command with a terminal as its input and output."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = popen(
            [sys.executable, "-m", "zoo", "predict", "parrot", *words, "--device", "cpu", "--precision", "fp32"],
            stdin=theirs,
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
        """What has come since the last call, up to a text."""
        while text not in self._text:
            try:
                part = os.read(self._ours, 4096)
            except OSError:
                part = b""
            assert part, f"{text!r} did not come: {self._text!r}, {self.errors()}"
            self._text += part.decode().replace("\r\n", "\n")
        shown, _, self._text = self._text.partition(text)
        return shown + text

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


@pytest.fixture
def parrot(site: Site) -> Site:
    install_parrot(site)
    return site


@pytest.fixture
def terminal(parrot: Site) -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_conversation_goes_on_until_nothing_more_is_typed(terminal: Terminal) -> None:
    terminal.shows("> ")
    terminal.type("good day\n")
    assert terminal.shows("> ") == "good day\n  good day\n> "
    terminal.type("\n")
    terminal.shows("> ")
    terminal.type("how many\n")
    assert terminal.shows("user how many\n> ").endswith("\n  user good day, assistant good day, user how many\n> ")
    terminal.type("on forever\n")
    terminal.shows("and so on and so on")
    terminal.process.send_signal(signal.SIGINT)
    terminal.shows("\n> ")
    terminal.type("how many\n")
    assert "user on forever, assistant on and so on and so on" in terminal.shows("user how many\n> ")
    terminal.type("broken\n")
    terminal.shows("> ")
    terminal.type("/new\n")
    terminal.shows("> ")
    terminal.type("how many\n")
    assert terminal.shows("user how many\n> ") == "how many\n  user how many\n> "
    terminal.type("\x04")
    assert terminal.process.wait(30) == ExitCode.OK
    errors = terminal.errors()
    assert "one message a line; /new begins another conversation, Ctrl-C ends an answer, Ctrl-D ends" in errors
    assert errors.index("stopped") < errors.index("error: plugin parrot fails to answer with parrot: ValueError")


@pytest.fixture
def warm_terminal(
    parrot: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """With a folder for sockets whose names may not be long."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
    terminal = Terminal("--keep-warm", "1")
    yield terminal
    terminal.close()
    command("predict", "parrot", "bye", "--device", "cpu", "--precision", "fp32", "--keep-warm", "0")


def test_a_warm_model_converses_too(warm_terminal: Terminal) -> None:
    terminal = warm_terminal
    terminal.shows("> ")
    terminal.type("on forever\n")
    terminal.shows("and so on and so on")
    terminal.process.send_signal(signal.SIGINT)
    terminal.shows("\n> ")
    terminal.type("how many\n")
    answer = terminal.shows("user how many\n> ")
    terminal.type("\x04")
    assert terminal.process.wait(30) == ExitCode.OK
    assert "user on forever, assistant on and so on" in answer
