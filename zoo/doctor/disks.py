"""The folders that zoo writes to: whether it can, and how much room there is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from zoo.disk import cause_of, file_in_the_way
from zoo.fetch.places import hub_cache, torch_checkpoints
from zoo.findings import Finding, fault, ok, warning
from zoo.locking import try_lock
from zoo.paths import cache_folder, home
from zoo.units import size

FULL_BYTES = 100_000_000
"""With less room than this not even a small run comes to its end."""
LITTLE_BYTES = 2_000_000_000
"""Less room than this is used up by a few checkpoints."""
IN_MEMORY = ("tmpfs", "ramfs")
SHARED = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "9p", "fuse.sshfs")
"""File systems of other machines, over a network."""


class Place(NamedTuple):
    """A folder that is written to."""

    name: str
    path: Path
    variable: str
    """What chooses another one."""
    needed: bool = True
    """Whether nothing works without it; others are shared with other tools, and may be there to be read only."""


def look() -> Iterator[Finding]:
    """Each of them; nothing is made that is not there."""
    for place in (
        Place("store", home(), "ZOO_HOME"),
        Place("cache", cache_folder(), "ZOO_HOME"),
        Place("temporary files", Path(tempfile.gettempdir()), "TMPDIR"),
        Place("weights of the Hub", hub_cache(), "HF_HOME", needed=False),
        Place("weights of torchvision", torch_checkpoints(), "TORCH_HOME", needed=False),
    ):
        yield _finding(place)


def _finding(place: Place) -> Finding:
    if obstacle := file_in_the_way(place.path):
        words = f"it is to be {place.path}, but {obstacle} is a file"
        return _bad(place)(place.name, words, f"mv {obstacle} {obstacle}.old, or set {place.variable} to a folder")
    folder = next(one for one in (place.path, *place.path.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            locks = try_lock(file)
    except OSError as error:
        cause = cause_of(error, folder)
        words = f"{place.path} cannot be written: {cause.reason}"
        return _bad(place)(place.name, words, f"chmod u+rwx {folder}, or set {place.variable} to another folder")
    return _room(place, folder, locks=locks)


def _room(place: Place, folder: Path, *, locks: bool) -> Finding:
    usage, kind = shutil.disk_usage(folder), _file_system(folder)
    there = "" if folder == place.path else ", which will be made"
    words = f"{place.path}{there}, on {kind or 'a disk'} with {size(usage.free)} of {size(usage.total)} free"
    if usage.free < FULL_BYTES or _no_more_files(folder):
        reason = "" if usage.free < FULL_BYTES else ", and no more files can be made on it"
        return _bad(place)(place.name, words + reason, "zoo cache prune --older-than 30d; zoo runs shows sizes, zoo rm")
    if not locks:
        words += ", where no file can be locked: two processes would write the same one"
        return _bad(place)(place.name, words, f"set {place.variable} to a folder on another disk")
    if usage.free < LITTLE_BYTES:
        return warning(place.name, words, "zoo cache prune --older-than 30d; zoo runs shows sizes, zoo rm")
    if place.variable == "ZOO_HOME" and kind in IN_MEMORY:
        words += ", which is gone when the machine is restarted"
        return warning(place.name, words, f"set {place.variable} to a folder on a disk")
    if kind in SHARED:
        words += ", over a network: starting and checkpoints take as long as it does"
    return ok(place.name, words)


def _bad(place: Place) -> Callable[[str, str, str], Finding]:
    return fault if place.needed else warning


def _file_system(folder: Path) -> str:
    """Kind of the file system that a folder stands on; empty where that is not known."""
    import psutil

    path = folder.resolve()
    mounts = [one for one in psutil.disk_partitions(all=True) if path.is_relative_to(one.mountpoint)]
    nearest = max(mounts, key=lambda one: len(one.mountpoint), default=None)
    return str(nearest.fstype) if nearest else ""


def _no_more_files(folder: Path) -> bool:
    """Whether a disk has room, but none for the names of files."""
    if not hasattr(os, "statvfs"):
        return False
    status = os.statvfs(folder)
    return status.f_files > 0 and status.f_favail == 0
