"""How a folder of images, or of recordings, is laid out: which folder of it holds the classes, and which are its parts.

pets/train/cat/1.jpg         divided into parts; likewise Train and Test, training_set and test_set, pets_train ...
pets/val/cat/8.jpg
pets/train/cat/1.jpg         one part only: the same as pets/train
pets/images/cat/1.jpg        one level too deep: the same as pets/images

What a format knows of its own folders, the format says itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from zoo.data.formats import known_by_content
from zoo.data.part_names import FILLERS, named_parts, part_of_name, words
from zoo.kinds.media_files import entries, holds_media, is_media, metadata_in, subfolders


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
    known = known_by_content(root)
    parts = known.parts(root) if known else named_parts(root)
    return Parts(**parts) if parts else Parts(root)


def table_in(path: Path) -> Path:
    """The table of its files that a folder brings with it, else the folder that holds the classes; or the file."""
    root = root_of(path)
    if not root.is_dir():
        return root
    if known := known_by_content(root):
        return known.parts(root).get("train", root)
    return metadata_in(root) or root


def root_of(path: Path) -> Path:
    """The folder that holds the class folders or the parts: further down where each level has nothing but the next."""
    visited: set[str] = set()
    while (inner := _lone_folder(path)) is not None and os.path.realpath(inner) not in visited:
        visited.add(os.path.realpath(inner))
        path = inner
    return path


def empty_classes(path: Path) -> tuple[str, ...]:
    """Names of class folders without any."""
    return tuple(folder.name for folder in subfolders(path) if not holds_media(folder))


def repeated_folders(path: Path) -> tuple[str, ...]:
    """Names of the folders that every class folder holds; perhaps they are the classes. Fewer than two are none."""
    if deeper := deeper_root(path):
        return tuple(folder.name for folder in _folders_of_media(deeper))
    names = [{folder.name for folder in _folders_of_media(folder)} for folder in subfolders(path)]
    common = set.intersection(*names) if names else set()
    return tuple(sorted(common)) if len(common) > 1 else ()


def deeper_root(path: Path) -> Path | None:
    """Where the only class folder, or the only folder in that, and so on, holds several: perhaps the classes."""
    visited: set[str] = set()
    folders = _folders_of_media(path)
    while len(folders) == 1 and os.path.realpath(folders[0]) not in visited:
        path = folders[0]
        visited.add(os.path.realpath(path))
        folders = _folders_of_media(path)
    return path if visited and len(folders) > 1 else None


def _folders_of_media(path: Path) -> list[Path]:
    return [folder for folder in subfolders(path) if holds_media(folder)]


def _lone_folder(path: Path) -> Path | None:
    """The only thing in a folder, if its name says that it is no class and it holds folders of media."""
    if not path.is_dir() or metadata_in(path) or any(map(is_media, entries(path))):
        return None
    folders = subfolders(path)
    if len(folders) != 1 or known_by_content(path):
        return None
    inner = folders[0]
    is_no_class = (
        inner.name.lower() == path.absolute().name.lower()
        or part_of_name(inner.name) is not None
        or set(words(inner.name)) <= set(FILLERS)
    )
    is_root = is_no_class and (metadata_in(inner) or known_by_content(inner) or _folders_of_media(inner))
    return inner if is_root else None
