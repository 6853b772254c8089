"""Kills for lack of memory: the kernel gives the process no time to say a word, but it counts them.

It counts for each control group and for the whole machine, in lines `oom_kill N`. A worker notes the counts at its
start; that one of them has grown is all that can be known of a worker that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from zoo import control_groups

MACHINE = Path("/proc/vmstat")
_FILES = {1: "memory.oom_control", 2: "memory.events"}
"""Of a control group, by version."""
_LINE = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def kill_counts(pid: int) -> dict[str, int]:
    """Counts so far, by the file that has them: of the control group of a process, then of the machine.

    Empty where the system does not count.
    """
    groups = (group.folder / _FILES[group.version] for group in control_groups.of_process(pid))
    paths = (*groups, MACHINE)
    return {str(path): count for path in paths if (count := _count(path)) is not None}


def kills_since(before: Mapping[str, int]) -> int:
    """How many processes were killed since counts were taken, by the first of their files that is still there."""
    for path, count in before.items():
        now = _count(Path(path))
        if now is not None:
            return max(0, now - count)
    return 0


def _count(path: Path) -> int | None:
    try:
        match = _LINE.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return int(match[1]) if match else None
