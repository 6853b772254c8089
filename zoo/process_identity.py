"""Which process it was that is written down, and whether that is still there: ids are given again, and clocks are set.

Linux knows how long after its own start a process began, which nothing changes. The Unix time that follows from it is
reckoned from a whole second (`btime` of /proc/stat), which moves whenever the clock is set, or a machine was paused.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CLOCK_TOLERANCE_S = 1.0
"""Between Unix times of one start."""
HALF_A_TICK_S = 0.005
"""Between times since the system began: the kernel has them in hundredths of a second."""


class ProcessIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """A process of this machine, as it can be recognised later."""

    pid: int
    started_at: float
    """When it began, in Unix seconds, as the clock stood when this was written down."""
    since_boot_s: float = 0.0
    """When it began, in seconds since its system did; means nothing without `boot_id`."""
    boot_id: str = ""
    """Of that start of the system; empty where it does not say, as elsewhere than on Linux."""

    def is_there(self) -> bool:
        """Whether that very process is, and has not ended."""
        return self.process() is not None

    def process(self) -> psutil.Process | None:
        """The process; None where it has ended, or another one has its id."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            same = self._is(identify(self.pid)) and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ValueError):
            return None
        return process if same else None

    def _is(self, other: ProcessIdentity) -> bool:
        if self.boot_id and other.boot_id:
            return self.boot_id == other.boot_id and abs(self.since_boot_s - other.since_boot_s) < HALF_A_TICK_S
        return abs(self.started_at - other.started_at) < CLOCK_TOLERANCE_S

    def is_of_earlier_boot(self) -> bool:
        """Whether this machine, or the container that stands for it, was started anew since it began."""
        import psutil

        try:
            first = identify(1)
        except psutil.Error:  # not on Windows, nor where it is hidden
            first = ProcessIdentity(pid=0, started_at=psutil.boot_time(), boot_id=_boot_id())
        if self.boot_id and first.boot_id:
            return self.boot_id != first.boot_id or self.since_boot_s < first.since_boot_s - HALF_A_TICK_S
        return self.started_at < first.started_at - CLOCK_TOLERANCE_S

    @property
    def text(self) -> str:
        """All of it in one word."""
        return f"{self.pid}-{self.started_at:.2f}-{self.since_boot_s:.2f}-{self.boot_id}"


def identify(pid: int) -> ProcessIdentity:
    """Name a process of this machine so that it can be recognised later.

    Raises:
        psutil.Error: it is not there.
    """
    import psutil

    while True:  # until the clock was not set between the two
        boot_time = psutil.boot_time()
        started_at = psutil.Process(pid).create_time()
        if boot_time == psutil.boot_time():
            boot_id = _boot_id()
            since_boot_s = started_at - boot_time if boot_id else 0.0
            return ProcessIdentity(pid=pid, started_at=started_at, since_boot_s=since_boot_s, boot_id=boot_id)


def from_text(text: str) -> ProcessIdentity:
    """What `ProcessIdentity.text` was of.

    Raises:
        ValueError: it is none.
    """
    pid, started_at, since_boot_s, boot_id = (*text.split("-", 3), "0", "")[:4]  # an earlier version wrote two of them
    return ProcessIdentity(
        pid=int(pid), started_at=float(started_at), since_boot_s=float(since_boot_s), boot_id=boot_id
    )


@cache
def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
