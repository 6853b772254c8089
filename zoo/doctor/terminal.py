"""What the terminal that zoo runs in can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from zoo import terminal
from zoo.errors import OptionInvalid
from zoo.findings import Finding, fault, ok, warning
from zoo.terminal import USUAL_COLUMNS, USUAL_LINES

SIGNS = "━✓…é"
"""Some of what zoo writes beside plain letters."""


def look() -> Iterator[Finding]:
    """Letters, colours, room, pictures; the last three where there is a terminal."""
    yield _letters()
    if not sys.stdout.isatty():
        yield ok("terminal", "what is written here goes to no terminal, so its colours and size are not looked at")
        return
    yield _colours()
    yield _room()
    yield _pictures()


def _letters() -> Finding:
    encoding = sys.stdout.encoding or "ascii"
    try:
        SIGNS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        words = f"what is written is encoded as {encoding}, which has no {SIGNS}: question marks stand for them"
        return warning("Unicode", words, "export PYTHONUTF8=1, or LC_ALL=C.UTF-8")
    return ok("Unicode", encoding)


def _colours() -> Finding:
    name = os.environ.get("TERM", "")
    if name == "dumb" or (not name and os.name == "posix"):
        words = f"TERM is {name!r}: no colours, no progress, no terminal UI"
        return warning("colours", words, "export TERM=xterm-256color")
    if not terminal.colours(sys.stdout):
        return ok("colours", "left out, as NO_COLOR asks for")
    return ok("colours", f"TERM is {name}, COLORTERM is {os.environ.get('COLORTERM') or 'not set'}")


def _room() -> Finding:
    columns, lines = terminal.columns(sys.stdout), terminal.lines(sys.stdout)
    words = f"{columns} columns and {lines} lines"
    if columns < USUAL_COLUMNS or lines < USUAL_LINES:
        usual = f"the terminal UI is made for {USUAL_COLUMNS} and {USUAL_LINES} at least"
        return warning("size", f"{words}; {usual}", "make the window larger, or its letters smaller")
    return ok("size", words)


def _pictures() -> Finding:
    from zoo.tui.graphics import ask_terminal, settle

    try:
        way = settle(os.environ, ask_terminal)
    except OptionInvalid as error:
        return fault("pictures", error.message, error.hint)
    how = "by the terminal's own graphics" if way == "kitty" else "in half blocks (kitty and Ghostty draw them finer)"
    return ok("pictures", f"drawn {how}")
