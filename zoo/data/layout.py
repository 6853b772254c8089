"""How a folder of images is laid out: which folder of it holds the classes, and which are its parts.

pets/train/cat/1.jpg         divided into parts; likewise Train and Test, training_set and test_set, pets_train ...
pets/val/cat/8.jpg
pets/train/cat/1.jpg         one part only: the same as pets/train
pets/images/cat/1.jpg        one level too deep: the same as pets/images
pets/images/train/1.jpg      parts of pictures with masks: pets/masks/train/1.png
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from zoo.data.formats import declared_parts
from zoo.data.mask_pairs import paired_folders
from zoo.kinds.image_files import entries, holds_images, is_image, subfolders

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "_annotations.coco.json")
"""Tables that name the images of their own folder, as the Hugging Face image folders and Roboflow have them."""
_PART_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "eval"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_FILLERS = ("data", "dataset", "folder", "image", "images", "img", "imgs", "photos", "pictures", "set", "split")
_COMPOUND = re.compile(f"({'|'.join(_PART_WORDS)})(?:{'|'.join(_FILLERS)})")
_WORD = re.compile(r"[^\W\d_]+")


class Parts(NamedTuple):
    """Where the parts of a data set are."""

    train: Path
    eval: Path | None = None
    test: Path | None = None


def parts_of(path: str | Path) -> Parts:
    """The parts of a folder that is divided into train and val or test; anything else is one part."""
    root = root_of(Path(path))
    if not root.is_dir():
        return Parts(root)
    if listed := _listed_parts(root):
        return listed
    folders = subfolders(_divided_folder(root))
    shared = set.intersection(*(set(_words(folder.name)) for folder in folders)) if len(folders) > 1 else set()
    parts: dict[str, Path] = {}
    for folder in sorted(folders, key=lambda folder: (len(folder.name), folder.name)):
        if part := part_of_name(folder.name, shared):
            parts.setdefault(part, folder)
    if "train" not in parts or len(parts) == 1:
        return Parts(root)
    return Parts(**parts)


def _divided_folder(root: Path) -> Path:
    """The folder whose folders are the parts: that of the pictures, where masks lie beside."""
    paired = paired_folders(root)
    return paired.base / paired.pictures if paired else root


def _listed_parts(root: Path) -> Parts | None:
    """Those that a format says are, unless the folder has a table of its images; None for any other folder."""
    parts = {} if _metadata_in(root) else declared_parts(root)
    return Parts(**parts) if "train" in parts else None


def table_in(path: Path) -> Path:
    """The table of its images that a folder brings with it, else the folder that holds the classes; or the file."""
    root = root_of(path)
    listed = _listed_parts(root) if root.is_dir() else None
    return listed.train if listed else _metadata_in(root) or root


def root_of(path: Path) -> Path:
    """The folder that holds the class folders or the parts: further down where each level has nothing but the next."""
    visited: set[str] = set()
    while (inner := _lone_folder(path)) is not None and os.path.realpath(inner) not in visited:
        visited.add(os.path.realpath(inner))
        path = inner
    return path


def empty_classes(path: Path) -> tuple[str, ...]:
    """Names of class folders without images."""
    return tuple(folder.name for folder in subfolders(path) if not holds_images(folder))


def repeated_folders(path: Path) -> tuple[str, ...]:
    """Names of the folders that every class folder holds; perhaps they are the classes. Fewer than two are none."""
    if deeper := deeper_root(path):
        return tuple(folder.name for folder in _folders_of_images(deeper))
    names = [{folder.name for folder in _folders_of_images(folder)} for folder in subfolders(path)]
    common = set.intersection(*names) if names else set()
    return tuple(sorted(common)) if len(common) > 1 else ()


def deeper_root(path: Path) -> Path | None:
    """Where the only class folder, or the only folder in that, and so on, holds several: perhaps the classes."""
    visited: set[str] = set()
    folders = _folders_of_images(path)
    while len(folders) == 1 and os.path.realpath(folders[0]) not in visited:
        path = folders[0]
        visited.add(os.path.realpath(path))
        folders = _folders_of_images(path)
    return path if visited and len(folders) > 1 else None


def _folders_of_images(path: Path) -> list[Path]:
    return [folder for folder in subfolders(path) if holds_images(folder)]


def _lone_folder(path: Path) -> Path | None:
    """The only thing in a folder, if its name says that it is no class and it holds folders of images."""
    if not path.is_dir() or _metadata_in(path) or any(map(is_image, entries(path))) or _listed_parts(path):
        return None
    folders = subfolders(path)
    if len(folders) != 1:
        return None
    inner = folders[0]
    is_no_class = (
        inner.name.lower() == path.absolute().name.lower()
        or part_of_name(inner.name) is not None
        or set(_words(inner.name)) <= set(_FILLERS)
    )
    is_root = _metadata_in(inner) is not None or _folders_of_images(inner)
    return inner if is_no_class and is_root else None


def _metadata_in(path: Path) -> Path | None:
    return next((path / name for name in METADATA_NAMES if (path / name).is_file()), None)


def part_of_name(name: str, shared: Iterable[str] = ()) -> str | None:
    """Which part a file or folder is by its name: `train`, `eval` or `test`; None where it does not say.

    Args:
        name: of the folder, or of the file without its ending.
        shared: words that stand in the names of all parts.
    """
    words = [word for word in _words(name) if word not in shared and word not in _FILLERS]
    return _PART_WORDS.get(words[0]) if len(words) == 1 else None


def _words(name: str) -> list[str]:
    """The words of a name, `trainset` being `train`."""
    words = _WORD.findall(name.lower())
    return [compound[1] if (compound := _COMPOUND.fullmatch(word)) else word for word in words]
