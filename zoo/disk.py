"""Files that cannot be read or written: what the system's error means, and what to do about it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from zoo.errors import OptionInvalid, StoreInvalid
from zoo.sanitize import error_text

_QUOTA = getattr(errno, "EDQUOT", errno.ENOSPC)
_DENIED = (errno.EACCES, errno.EPERM)
_KNOWN = {errno.ENOSPC, _QUOTA, errno.EROFS, errno.ENOTDIR, *_DENIED}
_BUSY = (errno.EBUSY, errno.ETXTBSY)
_HINTS = {
    errno.ENOENT: "look whether its folder is there and takes files, or choose another",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EFBIG: "choose a disk that holds files of that size, or raise the limit on them (ulimit -f)",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "close programs that hold many files",
    errno.EIO: "the disk itself is at fault: choose another, and look at this one",
}
_CLOSE = "close what uses its files"
_ELSEWHERE = "look at its owner and permissions, or set ZOO_HOME to a folder that can be written"


class Cause(NamedTuple):
    """Why a file cannot be read or written."""

    reason: str
    """Words that follow `cannot be written: `."""
    hint: str
    """What to do next; may be empty."""


def is_full(error: BaseException) -> bool:
    """Whether an error, or its cause, means that a disk has no room left; libraries in Rust have only words for it."""
    cause = error.__cause__
    full = getattr(error, "errno", None) in (errno.ENOSPC, _QUOTA) or "(os error 28)" in error_text(error)
    return full or (cause is not None and is_full(cause))


def cause_of(error: OSError, path: Path) -> Cause:
    """Explain an error of the system.

    Args:
        error: what was raised.
        path: the file or folder that was to be read or written.
    """
    if error.errno == _QUOTA != errno.ENOSPC:
        return Cause(f"the quota of the disk of {path} is used up", "make room")
    if is_full(error):
        return Cause(full_disk([path]), "make room")
    if error.errno == errno.EROFS:
        return Cause(f"{path} is on a disk that can only be read", "set ZOO_HOME to a folder that can be written")
    if error.errno == errno.ENOTDIR and (obstacle := file_in_the_way(path)):
        return Cause(f"{obstacle} is a file, not a folder", "move it away")
    if error.errno == errno.EISDIR and error_path(error) == path:  # which may be a folder that holds what it is about
        return Cause(f"{path} is a folder, not a file", "move it away")
    return Cause(f"{path}: {error.strerror or error}", _hint(error))


def check_takes_files(folder: Path, advice: str) -> None:
    """Insist on a folder in which a new file can be written, by one without a name that is gone at once.

    Args:
        folder: of the file.
        advice: what to do where that cannot be.

    Raises:
        OptionInvalid: it is not there, or takes no file.
    """
    import tempfile

    if not folder.is_dir():
        raise OptionInvalid(f"there is no folder {folder}", f"make it first, or {advice}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OptionInvalid(f"the folder {folder} takes no files: {error.strerror or error}", advice) from error


def _hint(error: OSError) -> str:
    """What to do about an error that its own words explain no further; empty where that is not known."""
    if error.errno in _DENIED:
        return _ELSEWHERE if os.name == "posix" else _CLOSE  # Windows says so of files that a program holds
    if error.errno in _BUSY:
        return _CLOSE
    return _HINTS.get(error.errno or 0, "")


def store_error(error: OSError) -> StoreInvalid | None:
    """The error to show for one of the system that explains itself; None for any other, which is a fault of zoo."""
    if error.filename is None:
        return StoreInvalid(f"a disk is full: {error.strerror}", "make room") if is_full(error) else None
    return StoreInvalid(*cause_of(error, error_path(error) or Path())) if error.errno in _KNOWN else None


def error_path(error: BaseException) -> Path | None:
    """The file that an error of the system is about, if it says so."""
    name = getattr(error, "filename", None)
    return Path(os.fsdecode(name)) if isinstance(name, str | bytes) else None


def full_disk(paths: Iterable[Path]) -> str:
    """Which of some places has the least room, and how much that is."""
    import shutil

    usages = {path: shutil.disk_usage(existing(path)) for path in paths}
    path = min(usages, key=lambda path: usages[path].free)
    return f"the disk of {path} is full: {megabytes(usages[path].free)} of {megabytes(usages[path].total)} are free"


def free_bytes(path: Path) -> int:
    """Room on the disk of a path, which may not be there."""
    import shutil

    return shutil.disk_usage(existing(path)).free


def file_in_the_way(folder: Path) -> Path | None:
    """What stands where a folder is to be, or one of those above it, and is none."""
    nearest = existing(folder)
    return None if nearest.is_dir() else nearest


def existing(path: Path) -> Path:
    """The path itself, or the nearest above it that is there."""
    return next((one for one in (path, *path.parents) if one.exists()), Path(path.anchor or "."))


def megabytes(size_bytes: int) -> str:
    """A size of the kind that fills disks."""
    return f"{size_bytes / 1e9:,.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:,.1f} MB"
