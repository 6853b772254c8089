"""Which COCO documents a folder brings with it: beside its pictures, or in `annotations`, one for each part."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from zoo.kinds.image_files import entries

AFFIXES = re.compile(r"^_?(?:instances|annotations|person_keypoints)?[_.-]*|[_.-]*(?:annotations)?(?:\.coco)?$")
"""What a document is called beside the name of its part."""
_OF_SOMETHING_ELSE = ("captions", "panoptic", "person_keypoints", "stuff", "image_info")
"""How other documents of the COCO data set begin, which stand in the same folder."""


def coco_parts(root: Path, part_of_name: Callable[[str], str | None]) -> dict[str, Path]:
    """The documents of a folder by their parts, which are `train` and perhaps others; empty where there are none.

    Args:
        root: the folder.
        part_of_name: which part a word names.
    """
    documents = [path for folder in (root / "annotations", root) for path in _documents(folder)]
    if len(documents) == 1:
        return {"train": documents[0]}
    parts: dict[str, Path] = {}
    for path in documents:
        if part := part_of_name(AFFIXES.sub("", path.stem)):
            parts.setdefault(part, path)
    return parts if "train" in parts else {}


def _documents(folder: Path) -> list[Path]:
    from zoo.data.formats.coco import is_of

    if not folder.is_dir():
        return []
    names = sorted(entry.name for entry in entries(folder) if entry.name.lower().endswith(".json"))
    return [folder / name for name in names if not name.startswith(_OF_SOMETHING_ELSE) and is_of(folder / name)]
