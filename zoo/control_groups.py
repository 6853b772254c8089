"""The control groups of Linux that a process lives in, as far as they count memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
PROCESSES = Path("/proc")


class ControlGroup(NamedTuple):
    """One group, in a hierarchy of version 2, or in that which version 1 has for memory alone."""

    folder: Path
    version: int

    def above(self) -> Iterator[ControlGroup]:
        """This group, and those it is part of whose limits count for it."""
        yield self
        if self.version == 2:
            yield from (ControlGroup(folder, 2) for folder in self.folder.parents if folder.is_relative_to(ROOT))


def of_process(pid: int | str = "self") -> Iterator[ControlGroup]:
    """The groups of a process that count its memory; none where the system has none."""
    try:
        lines = (PROCESSES / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for _, controllers, group in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if not controllers:
            yield ControlGroup(ROOT / group.lstrip("/"), 2)
        elif "memory" in controllers.split(","):
            yield ControlGroup(ROOT / "memory" / group.lstrip("/"), 1)
