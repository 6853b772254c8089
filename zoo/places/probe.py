"""What `zoo places check` starts at a place: `python -m zoo.places.probe FOLDER` writes down what it sees there."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.discovery import HOST, distribution_of, installed
from zoo.locking import try_lock

TOKEN_FILE, LOCK_FILE, REPORT_FILE = "token", "lock", "report.json"
PACKAGES = (HOST, "torch")
"""Whose versions are the same here and there, or results may not be."""
_FOR_DEVICE = re.compile(r"\+(cpu|cu\d+|rocm[\d.]*|xpu)$")
"""What a version of torch has at its end."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a place is like."""

    token: str = ""
    """What stands in the file that was written on the other side; empty where it is not seen."""
    locks: bool = True
    """Whether a lock that is held on the other side holds there."""
    host: str = ""
    python: str = ""
    """Path of it."""
    versions: dict[str, str] = {}
    """Of the packages that matter, as far as they are there."""
    plugins: dict[str, str] = {}
    """Name of each plugin to distribution and version."""
    has_srun: bool = False


def look(folder: Path) -> Report:
    """What is seen from here.

    Args:
        folder: that the other side has written a token and a lock into.
    """
    try:
        token = (folder / TOKEN_FILE).read_text(encoding="utf-8")
    except OSError:
        token = ""
    return Report(
        token=token,
        locks=not _is_free(folder / LOCK_FILE),
        host=socket.gethostname(),
        python=sys.executable,
        versions={name: found for name in PACKAGES if (found := version_of(name))},
        plugins={point.name: " ".join(distribution_of(point)) for point in installed("zoo.plugins")},
        has_srun=shutil.which("srun") is not None,
    )


def _is_free(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return try_lock(file)
    except OSError:
        return True


def version_of(name: str) -> str:
    """That is installed here of a package; empty for none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def is_same(version: str, other: str) -> bool:
    """Whether two versions are of the same code: 2.9.0+cpu and 2.9.0+cu128 are made for other devices, but
    0.2.dev3+g1a2b3c4 and 0.2.dev3+g5d6e7f8 are two commits.
    """
    return version == other or _FOR_DEVICE.sub("", version) == _FOR_DEVICE.sub("", other)


if __name__ == "__main__":
    _folder = Path(sys.argv[1])
    atomic.write_bytes(_folder / REPORT_FILE, msgspec.json.encode(look(_folder)))
