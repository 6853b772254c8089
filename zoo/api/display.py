"""Showing a run where someone is looking: a terminal or a notebook."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from zoo import terminal
from zoo.run_messages import status_line
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import one_line

REPAINT_S = 0.1
"""Least time between two paintings of a line."""
Show = Callable[[RunSnapshot], None]


@contextlib.contextmanager
def progress_display(progress: bool | None) -> Iterator[Show]:
    """What shows snapshots while a run is waited for: a repainted line, a notebook output, or nothing.

    Args:
        progress: None shows progress in notebooks and terminals only, and elsewhere what a person should know.
    """
    handle = _notebook_output() if progress is not False else None
    if handle is not None:
        yield _throttled(lambda lines: handle.update({"text/plain": "\n".join(lines)}, raw=True))
    elif progress or (progress is None and terminal.repaints(sys.stderr)):
        yield _throttled(_Repainted(), _room)
        print(file=sys.stderr)  # noqa: T201  (the line that was repainted ends here)
    elif progress is None:
        yield _throttled(_Appended(), places=True)
    else:
        yield lambda snapshot: None


class _Repainted:
    """Writes lines that stay, once each, and repaints the last one."""

    def __init__(self) -> None:
        self._written = 0

    def __call__(self, lines: list[str]) -> None:
        *staying, last = lines
        text = "".join(f"\r\x1b[K{line}\n" for line in staying[self._written :])
        self._written = len(staying)
        print(f"{text}\r\x1b[K{last}", end="", file=sys.stderr, flush=True)  # noqa: T201


class _Appended:
    """Writes the lines that stay, once each, where nothing can be repainted."""

    def __init__(self) -> None:
        self._written = 0

    def __call__(self, lines: list[str]) -> None:
        *staying, _ = lines
        print("".join(f"{line}\n" for line in staying[self._written :]), end="", file=sys.stderr, flush=True)  # noqa: T201
        self._written = len(staying)


def _room() -> int:
    """Characters of a line that can be repainted: one that fills its row may begin another."""
    return terminal.columns(sys.stderr) - 1


def _throttled(
    write: Callable[[list[str]], None], room: Callable[[], int | None] = lambda: None, *, places: bool = False
) -> Show:
    """Show what should be known, a line each, and how far the run is.

    Args:
        write: given all lines, that of progress last.
        room: characters that it may have.
        places: whether each place in a queue is a line that stays.
    """
    shown_at = 0.0
    lines: dict[str, None] = {}

    def show(snapshot: RunSnapshot) -> None:
        nonlocal shown_at
        lines.update(dict.fromkeys(f"warning: {one_line(warning)}" for warning in snapshot.warnings))
        lines.update(dict.fromkeys(map(one_line, snapshot.notes)))
        if places and snapshot.place is not None:
            lines[status_line(snapshot)] = None
        if not snapshot.pending or time.monotonic() - shown_at >= REPAINT_S:
            shown_at = time.monotonic()
            end, width = "" if snapshot.pending else f"  {snapshot.status}", room()
            write([*lines, status_line(snapshot, width=None if width is None else width - len(end)) + end])

    return show


def _notebook_output() -> Any:
    """A display that can be updated, where the code runs in a notebook; None elsewhere."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.display import display

    return display({"text/plain": "starting the worker"}, raw=True, display_id=True)
