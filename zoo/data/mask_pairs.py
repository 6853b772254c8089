"""Folders of pictures with a folder of masks beside: where the two are, and which mask belongs to which picture."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from zoo.kinds.media_files import IMAGES, entries, holds_media, walk

PICTURES = ("images", "image", "imgs", "img", "img_dir", "jpegimages", "pictures", "photos", "inputs")
MASKS = (
    "masks",
    "mask",
    "segmentations",
    "segmentation",
    "segmentationclass",
    "ann_dir",
    "annotations",
    "labels",
    "label",
    "ground_truth",
    "groundtruth",
    "gt",
    "targets",
)
"""Usual names of the two folders, in lower case, the likelier first."""
_PLAIN = ("mask", "masks")
_SUFFIX = re.compile(r"[-_. ]?(?:masks?|seg|segmentation|labels?|labelids|labeltrainids|gt|gtfine|annotations?)$", re.I)
_PREFIX = re.compile(r"^(?:mask|seg|label|gt)[-_. ]", re.I)


class PairedFolders(NamedTuple):
    """Where the pictures and the masks of one part are."""

    base: Path
    """The folder that both are named from."""
    pictures: str
    """Its folder from there on, with forward slashes."""
    masks: str


class Pair(NamedTuple):
    """A picture and its mask, named from the base on; either may be missing."""

    picture: str
    mask: str
    others: tuple[str, ...] = ()
    """Further masks that might be meant as well."""


def paired_folders(path: Path) -> PairedFolders | None:
    """The folders of pictures and masks that a folder stands for; None where it has no such two.

    Args:
        path: one that holds both, or a folder within that of the pictures of which that of the masks has the same.
    """
    if both := _both_in(path):
        return PairedFolders(path, *both)
    path = path.absolute()
    for depth, above in enumerate(list(path.parents)[:2], start=1):
        inner = path.parts[-depth:]
        if inner[0].lower() not in PICTURES or len(inner) < 2:
            continue
        both = _both_in(above)
        if both and both[0] == inner[0]:
            masks = f"{both[1]}/{'/'.join(inner[1:])}"
            if (above / masks).is_dir():
                return PairedFolders(above, "/".join(inner), masks)
    return None


def pairs(folders: PairedFolders) -> list[Pair]:
    """Pictures with their masks by name, then masks without a picture.

    A mask is called like its picture, whatever the two end in; `_mask`, `_seg`, `_label` or `_gt` may stand behind the
    name. Folders within have the same names.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    by_stem: dict[str, list[str]] = defaultdict(list)
    for name in walk(folders.base / folders.masks, IMAGES):
        by_name[_without_extension(name)].append(name)
        by_stem[_stem(name)].append(name)
    used: set[str] = set()
    pairs: list[Pair] = []
    for name in walk(folders.base / folders.pictures, IMAGES):
        masks = by_name.get(_without_extension(name)) or by_stem.get(_without_extension(name)) or []
        used.update(masks)
        paths = [f"{folders.masks}/{mask}" for mask in masks]
        pairs.append(Pair(f"{folders.pictures}/{name}", paths[0] if paths else "", tuple(paths[1:])))
    left = [name for names in by_name.values() for name in names if name not in used]
    return [*pairs, *(Pair("", f"{folders.masks}/{name}") for name in left)]


def _both_in(path: Path) -> tuple[str, str] | None:
    """The names of the two folders in a folder."""
    names = {entry.name.lower(): entry.name for entry in reversed(entries(path)) if entry.is_dir()}
    pictures = _first(path, PICTURES, names)
    masks = pictures and _first(path, [name for name in MASKS if names.get(name) != pictures], names)
    return (pictures, masks) if masks else None


def _first(path: Path, usual: Sequence[str], names: dict[str, str]) -> str:
    """The first of the usual names that holds images, or says that it is meant to; empty where none does."""
    return next(
        (names[one] for one in usual if one in names and (one in _PLAIN or holds_media(path / names[one], IMAGES))), ""
    )


def _without_extension(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _stem(name: str) -> str:
    """The name of the picture that a mask seems to belong to."""
    path = PurePosixPath(name)
    stem = path.stem
    while (shorter := _SUFFIX.sub("", stem)) and shorter != stem:
        stem = shorter
    return str(path.with_name(_PREFIX.sub("", stem) or stem))
