"""What is known of the terminal that a stream goes to."""

from __future__ import annotations

import os
from typing import TextIO

USUAL_COLUMNS, USUAL_LINES = 80, 24


def columns(stream: TextIO) -> int:
    """Width of a stream's own terminal, or COLUMNS; 80 where it has none. stdout and stderr may differ."""
    try:
        return int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS
    except (ValueError, OSError):
        return USUAL_COLUMNS


def lines(stream: TextIO) -> int:
    """Height of a stream's own terminal, or LINES; 24 where it has none."""
    try:
        return int(os.environ.get("LINES") or 0) or os.get_terminal_size(stream.fileno()).lines or USUAL_LINES
    except (ValueError, OSError):
        return USUAL_LINES


def repaints(stream: TextIO) -> bool:
    """Whether it is a terminal that obeys control sequences; `TERM=dumb`, as in an editor's shell, obeys none."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colours(stream: TextIO) -> bool:
    """Whether it is a terminal that shows colours, and nobody set NO_COLOR (https://no-color.org)."""
    return repaints(stream) and not os.environ.get("NO_COLOR")
