"""What a process said before it was gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from zoo.runs.oom import kills_since
from zoo.sanitize import one_line

LAST_WORDS = 2000
"""Bytes of what it printed that are looked at."""


def last_words(output: IO[bytes], oom_kills: Mapping[str, int]) -> str:
    """The last line that a process printed, or that the system has killed some for lack of memory; empty for neither.

    Args:
        output: what it printed; nothing is known of a closed one.
        oom_kills: the counts of `kill_counts` before it was started.
    """
    if kills_since(oom_kills):
        return "the system has killed a process for lack of memory, most likely this one: close what else needs it"
    try:
        lines = last_lines(output, 1)
    except ValueError:  # it is closed
        return ""
    return f"it last said: {lines[0]}" if lines else ""


def last_lines(output: IO[bytes], count: int) -> list[str]:
    """The last lines of what a process printed, without control characters.

    Args:
        output: what it printed.
        count: how many at most.
    """
    output.seek(max(0, output.seek(0, 2) - LAST_WORDS))
    return [one_line(line) for line in output.read().decode(errors="replace").strip().splitlines()[-count:]]
