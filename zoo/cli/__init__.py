"""The command line: `zoo COMMAND`. This module finds the command and reports errors; each command has a file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from zoo.cli.commands import COMMANDS, GROUPS

USAGE = "usage: zoo [-h] [--version] [-q | -v] COMMAND ..."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    flags = []
    while words and words[0].startswith("-"):
        flags.append(words.pop(0))
    if not words or {"-h", "--help"} & set(flags):
        return _overview(flags)
    if "--version" in flags:
        return _version()
    return _run(words[0], [*words[1:], *flags])


def _overview(flags: list[str]) -> int:
    if "--version" in flags:
        return _version()
    unknown = [flag for flag in flags if flag not in ("-h", "--help", "-q", "--quiet", "-v", "--verbose")]
    if unknown:
        sys.stderr.write(f"error: there is no option {unknown[0]!r}\nhint: zoo --help\n")
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


def _run(name: str, words: list[str]) -> int:
    if name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean zoo {near[0]}?" if near else "zoo --help lists the commands"
        sys.stderr.write(f"error: there is no command {name!r}\nhint: {hint}\n")
        return 2
    from zoo.cli.parser import execute

    module, help_text = COMMANDS[name]
    return execute(name, importlib.import_module(module), help_text, words)
