"""The only writer of stderr: talk, progress, errors."""

from __future__ import annotations

import sys
from enum import IntEnum

from zoo import terminal
from zoo.errors import ZooError
from zoo.sanitize import unbroken


class Verbosity(IntEnum):
    """How much is said."""

    QUIET = 0
    """Only warnings and errors."""
    NORMAL = 1
    VERBOSE = 2


class _State:
    verbosity = Verbosity.NORMAL
    status_shown = False


def set_verbosity(verbosity: Verbosity) -> None:
    """Decide how much is said from here on."""
    _State.verbosity = verbosity


def verbose() -> bool:
    """Whether everything is to be reported."""
    return _State.verbosity == Verbosity.VERBOSE


def note(text: str = "") -> None:
    """A line of talk: what is being done; silenced by -q."""
    if _State.verbosity > Verbosity.QUIET:
        _write(unbroken(text))


def warn(text: str, *more: str) -> None:
    """Something the person should know, each part a line."""
    _write(f"warning: {unbroken(text)}")
    for one in more:
        _write(unbroken(one))


def show_log_warnings() -> None:
    """Show what zoo logs as a warning as a warning: that a server wants to be left alone, that a file is damaged.

    For commands that fetch, which import `logging` anyhow; it is too much for those that only read.
    """
    import logging

    class Warnings(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warn(record.getMessage())

    logger = logging.getLogger("zoo")
    if not logger.handlers:
        logger.addHandler(Warnings(logging.WARNING))


def error(problem: ZooError) -> None:
    """What went wrong, and what to do next."""
    _write(f"error: {unbroken(problem.message)}")
    if problem.hint:
        _write(f"hint: {unbroken(problem.hint)}")


def status(text: str) -> None:
    """A line that the next one replaces; only on a terminal, and never with -q."""
    if _State.verbosity == Verbosity.QUIET or not live():
        return
    width = status_width()
    line = unbroken(text)
    sys.stderr.write("\r\x1b[K" + (line if len(line) <= width else line[: width - 1] + "…"))
    sys.stderr.flush()
    _State.status_shown = True


def status_width() -> int:
    """Characters that fit into the line that is repainted: one that fills its row may begin another."""
    return terminal.columns(sys.stderr) - 1


def live() -> bool:
    """Whether stderr is a terminal that can repaint a line."""
    return terminal.repaints(sys.stderr)


def _write(text: str) -> None:
    if _State.status_shown:
        sys.stderr.write("\r\x1b[K")
        _State.status_shown = False
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
