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
        output.seek(max(0, output.seek(0, 2) - LAST_WORDS))
        lines = output.read().decode(errors="replace").strip().splitlines()
    except ValueError:  # it is closed
        return ""
    return f"it last said: {one_line(lines[-1])}" if lines else ""
