"""The command line: `zoo COMMAND`. This module finds the command and reports errors; each command has a file."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence

from zoo.cli.commands import COMMANDS, GROUPS, OTHER_NAMES
from zoo.suggestions import did_you_mean, nearest

USAGE = "usage: zoo [-h] [--version] [-q | -v] COMMAND ..."
FLAGS = ("-h", "--help", "-q", "--quiet", "-v", "--verbose", "--version")
"""What may stand before a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    _replace_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a card's summary must not end `zoo ls` where stdout is not UTF-8
    try:
        code = _dispatch(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        _discard_output()
        return 0
    except OSError as error:  # stdout takes no more, as on a full disk
        _discard_output()
        sys.stderr.write(f"error: the answer could not be written: {error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:  # while a command was still being imported
        sys.stderr.write("interrupted\n")
        return 130
    return code


def _dispatch(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["__complete"]:  # the script of a shell, which people wait for at each press of Tab
        from zoo.cli.completion import answer

        return answer(words[1:])
    flags = []
    while words and words[0].startswith("-"):
        flags.append(words.pop(0))
    if not words and not flags and sys.stdin.isatty() and sys.stdout.isatty():
        if os.environ.get("TERM") != "dumb":
            return _open_app()
        sys.stderr.write("TERM=dumb: this terminal cannot show the terminal UI; these are the commands\n")
    if not words or {"-h", "--help"} & set(flags):
        return _overview(flags)
    if "--version" in flags:
        return _version()
    end = words.index("--") if "--" in words else len(words)  # what follows is no flag
    return _run(words[0], [*words[1:end], *flags, *words[end:]])


def _open_app() -> int:
    from zoo.cli import diagnostics
    from zoo.cli.exit_codes import exit_code
    from zoo.errors import ZooError
    from zoo.tui.launch import open_app

    try:
        return open_app()
    except ZooError as error:
        diagnostics.error(error)
        return exit_code(error)


def _overview(flags: list[str]) -> int:
    if "--version" in flags:
        return _version()
    unknown = [flag for flag in flags if flag not in FLAGS]
    if unknown:
        hint = did_you_mean(unknown[0], [flag for flag in FLAGS if flag.startswith("--")], "zoo --help")
        sys.stderr.write(f"error: there is no option {unknown[0]!r}\nhint: {hint}\n")
        return 2
    lines = [USAGE, "", "A model zoo for the terminal in which every model is a plugin."]
    for title, commands in GROUPS.items():
        lines += ["", f"{title}:", *(f"  {name:<11} {text}" for name, (_, text) in commands.items())]
    lines += ["", "options:", "  -q, --quiet    say nothing but answers, warnings and errors"]
    lines += ["  -v, --verbose  say more; show tracebacks", "  --version      show the version", ""]
    lines += ["zoo COMMAND --help tells more; zoo finetune MODEL --help also shows the options of that model."]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _version() -> int:
    from zoo import __version__

    sys.stdout.write(f"zoo {__version__}\n")
    return 0


def _replace_closed_streams() -> None:
    """Let a stream that the caller closed (`>&-`) be one that nobody reads."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _discard_output() -> None:
    """What is still to be written goes nowhere; Python must not complain when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(name: str, words: list[str]) -> int:
    if name not in COMMANDS:
        near = nearest(name, COMMANDS)
        hint = OTHER_NAMES.get(name.lower()) or (
            f"did you mean zoo {near[0]}?" if near else "zoo --help lists the commands"
        )
        sys.stderr.write(f"error: there is no command {name!r}\nhint: {hint}\n")
        return 2
    from zoo.garbage import collection_paused

    module, help_text = COMMANDS[name]
    with collection_paused():
        from zoo.cli.parser import execute

        command = importlib.import_module(module)
    return execute(name, command, help_text, words)
