"""Which part of a data set a folder is by its name: `train` and `Training Data`, `val` and `pets_valid`, `test2017`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from zoo.kinds.media_files import subfolders

FILLERS = ("data", "dataset", "folder", "image", "images", "img", "imgs", "photos", "pictures", "set", "split")
"""Words that say nothing."""
_PART_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "eval"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_COMPOUND = re.compile(f"({'|'.join(_PART_WORDS)})(?:{'|'.join(FILLERS)})")
_WORD = re.compile(r"[^\W\d_]+")


def named_parts(root: Path) -> dict[str, Path]:
    """The folders in a folder that are `train`, `eval` and `test` by name; empty without train, or with train alone."""
    folders = subfolders(root)
    shared = set.intersection(*(set(words(folder.name)) for folder in folders)) if len(folders) > 1 else set()
    parts: dict[str, Path] = {}
    for folder in sorted(folders, key=lambda folder: (len(folder.name), folder.name)):
        if part := part_of_name(folder.name, shared):
            parts.setdefault(part, folder)
    return {} if "train" not in parts or len(parts) == 1 else parts


def part_of_name(name: str, shared: Iterable[str] = ()) -> str | None:
    """Which part something is by its name, words aside that stand in all names or say nothing."""
    telling = [word for word in words(name) if word not in shared and word not in FILLERS]
    return _PART_WORDS.get(telling[0]) if len(telling) == 1 else None


def words(name: str) -> list[str]:
    """The words of a name, `trainset` being `train`."""
    plain = _WORD.findall(name.lower())
    return [compound[1] if (compound := _COMPOUND.fullmatch(word)) else word for word in plain]
