"""Data that is not where it was said to be: what may be meant instead."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from zoo.errors import DatasetInvalid
from zoo.suggestions import nearest

STDIN = "-"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""How an address begins, one that went through a path included."""
_LOOKED_AT = 10_000
"""Names in the folder that are compared."""


def no_such_data(path: str | os.PathLike[str]) -> DatasetInvalid:
    """The error for a path at which nothing is."""
    if str(path) == STDIN:
        return DatasetInvalid("stdin cannot serve here: the data is read more than once", "save it as a file")
    if _ADDRESS.match(str(path)):
        return DatasetInvalid(f"{path} is an address, and zoo reads data on this machine only", "download it first")
    missing = Path(path).expanduser()
    return DatasetInvalid(f"there is no file or folder {missing.absolute()}", _advice(missing))


def _advice(path: Path) -> str:
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, _LOOKED_AT)]
    except OSError:
        return f"there is no folder {path.parent} either"
    near = nearest(path.name, names, cutoff=0.7)
    return f"did you mean {path.parent / near[0]}?" if near else "check the path"
