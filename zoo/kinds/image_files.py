"""The image files below a folder; what systems and programs leave in it is passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import DatasetInvalid

_CAMERA = (".avif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp")
_OTHER = (".bmp", ".dib", ".gif", ".pbm", ".pgm", ".pnm", ".ppm")
EXTENSIONS = frozenset((*_CAMERA, *_OTHER))
"""What the names of image files end in, in lower case."""
_SYSTEM_NAMES = frozenset(
    (
        "$recycle.bin",
        "#recycle",
        "@eadir",
        "@recycle",
        "__macosx",
        "desktop.ini",
        "lost+found",
        "system volume information",
        "thumbs.db",
    )
)
"""Names, in lower case, that Windows, macOS and storage devices give to what is nobody's data."""


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or belongs to a system."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, in no order.

    Raises:
        DatasetInvalid: it cannot be read.
    """
    try:
        with os.scandir(folder) as directory:
            yield from (entry for entry in directory if not is_passed_over(entry.name))
    except OSError as error:
        raise DatasetInvalid(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error


def is_image(entry: os.DirEntry[str]) -> bool:
    """Whether a file is an image by its name."""
    return Path(entry.name).suffix.lower() in EXTENSIONS and not entry.is_dir()


def walk(path: Path) -> Iterator[str]:
    """Names of all image files below a folder, relative to it, with forward slashes, sorted folder by folder.

    Links to folders are followed, once each.

    Raises:
        DatasetInvalid: a folder cannot be read.
    """
    yield from _walk(path, "", {os.path.realpath(path)})


def holds_images(path: Path) -> bool:
    """Whether there is an image anywhere below a folder."""
    return next(walk(path), None) is not None


def subfolders(path: Path) -> list[Path]:
    """The folders in a folder, by name."""
    return sorted(Path(entry.path) for entry in entries(path) if entry.is_dir())


def other_files(path: Path) -> dict[str, int]:
    """How many files below a folder are no images by their names: by extension, most frequent first."""
    counts: Counter[str] = Counter()
    for _, folders, names in os.walk(path) if path.is_dir() else ():
        folders[:] = [name for name in folders if not is_passed_over(name)]
        extensions = (Path(name).suffix.lower() or "no extension" for name in names if not is_passed_over(name))
        counts.update(extension for extension in extensions if extension not in EXTENSIONS)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _walk(folder: Path, prefix: str, visited: set[str]) -> Iterator[str]:
    for entry in sorted(entries(folder), key=lambda entry: entry.name):
        if entry.is_dir():
            real = os.path.realpath(entry.path)
            if real not in visited:
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", visited | {real})
        elif is_image(entry):
            yield prefix + entry.name
