"""What reports of files of every sort say alike."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.kinds.facts import Finding

_SHOWN = 5


def counts(numbers: Mapping[str, int]) -> str:
    """How many there are of each: `12 PNG, 1 JPEG`."""
    return ", ".join(f"{count:,} {name}" for name, count in numbers.items())


def left_out(path: str, files: str, others: Mapping[str, int]) -> Finding:
    """That files of a folder are of another sort by their names.

    Args:
        path: of the folder.
        files: what is looked for, in a person's words: `images`.
        others: extensions, and how many files have each, most frequent first.
    """
    kinds = counts(dict(list(others.items())[:_SHOWN]))
    return Finding("info", f"{path}: files that are no {files} by their names are left out ({kinds})")
