"""Pointers that git leaves in the place of large files where git-lfs has not fetched them."""

from __future__ import annotations

from pathlib import Path

MAGIC = b"version https://git-lfs.github.com/spec/"
WHAT = "a git-lfs pointer, not the file itself"
ADVICE = "fetch the file, in its repository: git lfs pull"
MAX_BYTES = 1024
"""A pointer is smaller than this (its specification)."""


def is_pointer(path: Path) -> bool:
    """Whether a file is one."""
    if path.stat().st_size >= MAX_BYTES:
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
