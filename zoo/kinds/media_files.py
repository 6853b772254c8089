"""The files of media below a folder: images and recordings; what systems and programs leave in it is passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path

from zoo.errors import DatasetInvalid
from zoo.file_cache import once

_CAMERA = (".avif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp")
_OTHER = (".bmp", ".dib", ".gif", ".pbm", ".pgm", ".pnm", ".ppm")
IMAGES = frozenset((*_CAMERA, *_OTHER))
"""What the names of image files end in, in lower case."""
RECORDINGS = frozenset((".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".w64", ".wav"))
"""Likewise of files of sound: what libsndfile reads."""
MEDIA = IMAGES | RECORDINGS
Extensions = frozenset[str]
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

METADATA_NAMES = ("metadata.csv", "metadata.jsonl")
"""Tables that name the files of their own folder, as the image and audio folders of Hugging Face have them."""
_CHECKED_EVERY = 1000
"""Entries of a folder."""
_check: ContextVar[Callable[[], None]] = ContextVar("check", default=lambda: None)


@contextmanager
def interruptible(check: Callable[[], None]) -> Iterator[None]:
    """Let whoever lists folders within the block be asked for an end of it.

    Args:
        check: called before each folder and within large ones; what it raises ends the walk.
    """
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or belongs to a system."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def entries(folder: Path) -> tuple[os.DirEntry[str], ...]:
    """What is in a folder, by name.

    Raises:
        DatasetInvalid: it cannot be read.
    """
    return once(("entries", str(folder)), lambda: _entries(folder), size=len)


def _entries(folder: Path) -> tuple[os.DirEntry[str], ...]:
    check, names = _check.get(), []
    try:
        with os.scandir(folder) as directory:
            for number, entry in enumerate(directory):
                if number % _CHECKED_EVERY == 0:
                    check()
                if not is_passed_over(entry.name):
                    names.append(entry)
    except OSError as error:
        raise DatasetInvalid(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error
    return tuple(sorted(names, key=lambda entry: entry.name))


def is_media(entry: os.DirEntry[str], extensions: Extensions = MEDIA) -> bool:
    """Whether a file is one of media by its name.

    Args:
        entry: of a folder.
        extensions: in lower case; `IMAGES`, `RECORDINGS`, or both.
    """
    return Path(entry.name).suffix.lower() in extensions and not entry.is_dir()


def walk(path: Path, extensions: Extensions = MEDIA) -> Iterator[str]:
    """Names of all such files below a folder, relative to it, with forward slashes, sorted folder by folder.

    Links to folders are followed, once each.

    Raises:
        DatasetInvalid: a folder cannot be read.
    """
    yield from _walk(path, "", {os.path.realpath(path)}, extensions)


def holds_media(path: Path, extensions: Extensions = MEDIA) -> bool:
    """Whether there is such a file anywhere below a folder."""
    return next(walk(path, extensions), None) is not None


def holds_more_than(path: Path, most: int) -> bool:
    """Whether there are more files of media than so many below a folder."""
    return next(islice(walk(path), most, None), None) is not None


def metadata_in(path: Path) -> Path | None:
    """The table that a folder has of its files; None where there is none."""
    return next((path / name for name in METADATA_NAMES if (path / name).is_file()), None)


def subfolders(path: Path) -> list[Path]:
    """The folders in a folder, by name."""
    return [Path(entry.path) for entry in entries(path) if entry.is_dir()]


def files_below(path: Path) -> Iterator[Path]:
    """All files below a folder, whatever they are, without those of folders that cannot be read or are links."""
    try:
        inside = entries(path)
    except DatasetInvalid:
        return
    for entry in inside:
        if not entry.is_dir():
            yield Path(entry.path)
        elif not entry.is_symlink():
            yield from files_below(Path(entry.path))


def other_files(path: Path, expected: Extensions) -> dict[str, int]:
    """How many files below a folder are of another sort by their names: by extension, most frequent first."""
    counts: Counter[str] = Counter()
    extensions = (file.suffix.lower() or "no extension" for file in files_below(path))
    counts.update(extension for extension in extensions if extension not in expected)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _walk(folder: Path, prefix: str, visited: set[str], extensions: Extensions) -> Iterator[str]:
    for entry in entries(folder):
        if entry.is_dir():
            real = os.path.realpath(entry.path)
            if real not in visited:
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", visited | {real}, extensions)
        elif is_media(entry, extensions):
            yield prefix + entry.name
