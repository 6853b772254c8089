"""Memory of what computes: what libraries say where it runs out, how much is free, and how much a process has taken."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo import control_groups
from zoo.accelerators import WITH_STREAMS
from zoo.control_groups import ControlGroup

PROCESS = Path("/proc/self")
_SAYINGS = (
    "out of memory",  # torch of CUDA, ROCm, XPU and MPS, and most other libraries
    "can't allocate memory",  # torch of CPUs
    "not enough memory",  # the same under Windows
    "paging file is too small",  # Windows, of files that are mapped
    "bad_alloc",  # what C++ raises
    "alloc_failed",  # cuBLAS and cuDNN, of their work spaces
    "unable to find an engine to execute",  # cuDNN, where there is room for no convolution's work space
)
_OF_THE_SYSTEM = re.compile(
    r"cannot allocate memory(?! in static tls)|failed to map segment from shared object(?!: (operation|permission))"
)
"""Linux: where memory was asked for, or a library loaded; with other words behind it something else was at fault."""
_LAST_WORDS = "could not create a primitive"
"""All that oneDNN says of a CPU where it has no memory for its code; more words after these speak of something else."""
_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""Of a control group, by version: its limit, what it uses, and the line of `memory.stat` for files kept in memory."""
_NO_LIMIT = 2**60
"""Where a control group has no limit, version 1 states one of this size or more."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, whichever library raised it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if not isinstance(error, RuntimeError):
        return False
    return bool(error.args) and says_out_of_memory(str(error.args[0]))


def says_out_of_memory(message: str) -> bool:
    """Whether the message of an error is one of those by which libraries say that memory ran out."""
    said = message.lower()
    return said == _LAST_WORDS or any(saying in said for saying in _SAYINGS) or bool(_OF_THE_SYSTEM.search(said))


def release_memory() -> None:
    """Give up what nothing uses any more: garbage, and what glibc and torch keep for later."""
    gc.collect()
    if sys.platform.startswith("linux") and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return
    for name in WITH_STREAMS:
        if getattr(torch, name).is_initialized():
            getattr(torch, name).empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def available_bytes() -> int:
    """Memory that processes can still take here: of the machine, or of the control group that they live in."""
    import psutil

    return min([int(psutil.virtual_memory().available), *_left_in_groups()])


def resident_bytes() -> int:
    """Memory that this process has."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """The most memory that this process has had at once, since it began or since the last `forget_peak`."""
    with contextlib.suppress(OSError):
        if match := re.search(r"^VmHWM:\s*(\d+) kB$", (PROCESS / "status").read_text(encoding="ascii"), re.MULTILINE):
            return int(match[1]) * 1024
    import psutil

    memory: Any = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))


def forget_peak() -> None:
    """Let `peak_bytes` count from now on, where the system can."""
    with contextlib.suppress(OSError):
        (PROCESS / "clear_refs").write_text("5", encoding="ascii")


def _left_in_groups() -> Iterator[int]:
    """What each limit leaves; in version 2 of control groups the limits of all groups above count, too."""
    for group in control_groups.of_process():
        for one in group.above():
            yield from _left(one)


def _left(group: ControlGroup) -> Iterator[int]:
    """Of one group; what it holds of files is given up when it is needed."""
    limit, usage, cached = _FILES[group.version]
    try:
        most, used = ((group.folder / name).read_text(encoding="ascii").strip() for name in (limit, usage))
        statistics = (group.folder / "memory.stat").read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return
    if most.isdigit() and int(most) < _NO_LIMIT:
        match = re.search(rf"^{cached} (\d+)$", statistics, re.MULTILINE)
        yield max(0, int(most) - int(used) + (int(match[1]) if match else 0))
