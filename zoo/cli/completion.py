"""Print what lets a shell complete commands, flags, models and runs of zoo."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from zoo.cli.exit_codes import ExitCode
    from zoo.cli.parser import Parser
    from zoo.completion.index import Index

WORD = "__complete"
"""The command that the scripts of shells ask; `zoo __complete --index` makes the index anew."""
REBUILD = "--index"
EVERY_S = 10.0
"""How often at most the index is made anew while somebody types, who may press Tab five times in a second."""
INSTALL = {
    "bash": """echo 'eval "$(zoo completion bash)"' >> ~/.bashrc""",
    "zsh": """echo 'eval "$(zoo completion zsh)"' >> ~/.zshrc""",
    "fish": "zoo completion fish > ~/.config/fish/completions/zoo.fish",
}
"""The line that installs it for a shell."""


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = tuple(INSTALL.values())
    parser.add_argument("shell", choices=tuple(INSTALL), help="whose script is printed; the examples install it")


def run(args: argparse.Namespace) -> ExitCode:
    """Print the script; the index is made meanwhile, so that the first press of Tab need not wait for it."""
    from zoo import completion
    from zoo.cli import output
    from zoo.cli.exit_codes import ExitCode
    from zoo.completion import index

    output.page(Path(completion.__file__).with_name("scripts").joinpath(f"zoo.{args.shell}").read_text("utf-8"))
    if index.read() is None:
        _rebuild_apart()
    return ExitCode.OK


def answer(words: Sequence[str]) -> int:
    """Answer a shell's script: the name of the shell, and what is typed; returns the exit code."""
    if list(words) == [REBUILD]:
        _rebuild_alone()
        return 0
    from zoo.completion.answering import SHELLS, lines
    from zoo.errors import ZooError

    shell, *typed = words or [""]
    if shell not in SHELLS or len(typed) < 1 + (shell == "bash"):
        sys.stderr.write(f"error: zoo {WORD} is for the scripts that zoo completion prints\n")
        return 2
    try:
        answers = lines(shell, typed, _index())
    except ZooError as error:  # of the store; nobody sees it while they type, and every other command says it
        sys.stderr.write(f"error: {error.message}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in answers))
    return 0


def _index() -> Index:
    """The index; one that is out of date serves once more, while another process makes a new one."""
    from zoo.completion import index

    last = index.read()
    if last is None:
        return _rebuild()
    if last["key"] != index.key():
        _rebuild_apart()
    return last


def _rebuild() -> Index:
    from zoo.cli.completion_index import build

    return build()


def _rebuild_alone() -> None:
    """Make the index anew, unless another process is about it."""
    from zoo.completion import index
    from zoo.locking import try_lock

    path = index.lock_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if try_lock(file):
            _rebuild()


def _rebuild_apart() -> None:
    """Make the index anew in a process of its own, which nobody waits for; not where one was started just now."""
    import subprocess

    if not _claimed():
        return
    subprocess.Popen(
        [sys.executable, "-P", "-m", "zoo", WORD, REBUILD],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _claimed() -> bool:
    """Note that the index is being made; false where that was noted just now, or cannot be: nor could the index."""
    import time

    from zoo.completion import index

    path = index.lock_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and abs(time.time() - path.stat().st_mtime) < EVERY_S:
            return False
        path.touch()
    except OSError:
        return False
    return True
