"""`zoo predict MODEL` at a terminal, with a model that chats: a conversation, as a person has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parrot import install_parrot
from tests.plugin_site import Site
from tests.plugin_site import zoo as command
from tests.terminal_output import CommandTerminal
from zoo.cli.exit_codes import ExitCode

pty = pytest.importorskip("pty")

pytestmark = pytest.mark.slow


def conversation(*words: str) -> CommandTerminal:
    """One that is typed."""
    return CommandTerminal("predict", "parrot", *words, "--device", "cpu", "--precision", "fp32", typed=True)


@pytest.fixture
def parrot(site: Site) -> Site:
    install_parrot(site)
    return site


@pytest.fixture
def terminal(parrot: Site) -> Iterator[CommandTerminal]:
    terminal = conversation()
    yield terminal
    terminal.close()


def test_a_conversation_goes_on_until_nothing_more_is_typed(terminal: CommandTerminal) -> None:
    terminal.shows("> ")
    terminal.type("good day\n")
    assert terminal.shows("> ") == "good day\n  good day\n> "
    terminal.type("\n")
    terminal.shows("> ")
    terminal.type("how many\n")
    assert terminal.shows("user how many\n> ").endswith("\n  user good day, assistant good day, user how many\n> ")
    terminal.type("on forever\n")
    terminal.shows("and so on and so on")
    terminal.interrupt()
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
    assert terminal.wait() == ExitCode.OK
    errors = terminal.errors()
    assert "one message a line; /new begins another conversation, Ctrl-C ends an answer, Ctrl-D ends" in errors
    assert errors.index("stopped") < errors.index("error: plugin parrot fails to answer with parrot: ValueError")


@pytest.fixture
def warm_terminal(
    parrot: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandTerminal]:
    """With a folder for sockets whose names may not be long."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
    terminal = conversation("--keep-warm", "1")
    yield terminal
    terminal.close()
    command("predict", "parrot", "bye", "--device", "cpu", "--precision", "fp32", "--keep-warm", "0")


def test_a_warm_model_converses_too(warm_terminal: CommandTerminal) -> None:
    terminal = warm_terminal
    terminal.shows("> ")
    terminal.type("on forever\n")
    terminal.shows("and so on and so on")
    terminal.interrupt()
    terminal.shows("\n> ")
    terminal.type("how many\n")
    answer = terminal.shows("user how many\n> ")
    terminal.type("\x04")
    assert terminal.wait() == ExitCode.OK
    assert "user on forever, assistant on and so on" in answer
