"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from zoo.sanitize import one_line


def short_path(path: str) -> str:
    """A path as people write it: from where they are, or from their home."""
    for base, start in ((Path.cwd(), ""), (Path.home(), "~/")):
        if Path(path).is_relative_to(base) and Path(path) != base:
            return one_line(start + str(Path(path).relative_to(base)))
    return one_line(path)
