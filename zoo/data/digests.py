"""The digest that says whether a file is still the one a run was asked to work on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from zoo.data.example import Example
from zoo.data.layout import table_in
from zoo.errors import DatasetInvalid
from zoo.file_cache import file_sha256
from zoo.kinds import TargetKind
from zoo.kinds.media_files import files_below, holds_media, walk


def digest(path: str | Path) -> str:
    """The sha256 of a file's bytes, or of the names and sizes of the images and recordings in a folder, in hexadecimal.

    Of a folder without any it is that of the bytes of all its files.

    Raises:
        DatasetInvalid: the file or folder cannot be read.
    """
    path = table_in(Path(path))
    try:
        return _digest_of_listing(path) if path.is_dir() else file_sha256(path)
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror or error}") from error


def stamp(path: str | Path) -> tuple[int, int]:
    """Size and time of modification of a file, in bytes and nanoseconds: while both stay, its bytes are taken to stay.

    Raises:
        DatasetInvalid: it cannot be read.
    """
    try:
        status = table_in(Path(path)).stat()
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror or error}") from error
    return status.st_size, status.st_mtime_ns


def digest_with(whole: str, names_file: Path) -> str:
    """The sha256 of a data set and of a file beside it that says what its targets mean.

    Raises:
        DatasetInvalid: the file cannot be read.
    """
    return hashlib.sha256(f"{whole}{digest(names_file)}".encode()).hexdigest()


def digest_of_examples(whole: str, examples: Iterable[Example], target: TargetKind | None = None) -> str:
    """The sha256 of a data set that names files: of the file or folder itself, and of the files' own digests.

    Args:
        whole: digest of the file or folder.
        examples: with the digests of the files.
        target: what the targets of the examples are; those that other files say count, too.
    """
    combined = hashlib.sha256(whole.encode())
    for example in examples:
        combined.update(example.digest.encode())
        if target is not None and example.target is not None:
            combined.update(target.digest(example.target))
    return combined.hexdigest()


def _digest_of_listing(folder: Path) -> str:
    listing = hashlib.sha256()
    for name in walk(folder):
        listing.update(os.fsencode(name) + b"\0" + str(_size(folder / name)).encode() + b"\n")
    if not holds_media(folder):
        for path in sorted(files_below(folder)):
            listing.update(os.fsencode(path.relative_to(folder)) + b"\0" + file_sha256(path).encode() + b"\n")
    return listing.hexdigest()


def _size(path: Path) -> int:
    """In bytes; -1 for a link that leads nowhere."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
