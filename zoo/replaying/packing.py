"""Which files the data of a run are, and where they stand in an archive."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.card import Card
from zoo.data.formats import EXTENSIONS
from zoo.data.yolo import NAMES
from zoo.errors import DatasetInvalid
from zoo.file_cache import read_once
from zoo.kinds.media_files import MEDIA, files_below, holds_media, walk
from zoo.replaying.data import Part
from zoo.runs.request import RunRequest

DATA = "data/"
"""Begins the names of files of data in an archive."""
LONGEST_NAME = 1000
WRITTEN = (*EXTENSIONS, ".xml", ".names")
"""End the names of files that say what is on images or in recordings."""
_PART = re.compile(r"[^\x00-\x1f\x7f:\\/<>|?*\"]+")
"""A name of a file or folder on any system."""


class Places:
    """Where files stand in an archive: those from one folder in one folder."""

    def __init__(self) -> None:
        self._numbers: dict[Path, int] = {}
        self.names: dict[str, str] = {}
        """In the archive, by their paths."""

    def add(self, *paths: str) -> None:
        """Find a place for files or folders; empty paths are none."""
        for text in filter(None, paths):
            place = Path(text)
            base = place if place.is_dir() else place.parent
            number = self._numbers.setdefault(base, len(self._numbers) + 1)
            self.names[text] = f"{DATA}{number}/{place.name}"


def files_of(part: Part, card: Card, places: Places) -> dict[str, Path]:
    """The files of a part of the data, by their names in the archive.

    Args:
        part: of the data of a run.
        card: of the model that the run began from.
        places: with the part.

    Raises:
        DatasetInvalid: they are not what the run learnt from, or lie elsewhere than their table.
    """
    path, name = Path(os.path.abspath(part.path)), places.names[part.path]  # noqa: PTH100  (links stay as they are)
    with read_once() as cache:
        now = part.digest_now(card)
        if not now or (part.sha256 and now != part.sha256):
            what = "have changed since" if now else "are gone"
            raise DatasetInvalid(
                f"the {part.what} in {path} {what}, so the bundle would replay another run",
                "put them back, or leave them out: --without-data",
            )
        found = [*_files_in(path)] if path.is_dir() else [path, *_files_beside(part, card)]
        found += [Path(os.path.abspath(one)) for one in cache.media]  # noqa: PTH100
    base, within = (path, name) if path.is_dir() else (path.parent, name.rpartition("/")[0])
    files: dict[str, Path] = {}
    if part.data.classes:
        files[places.names[part.data.classes]] = Path(part.data.classes)
    for one in found:
        if not one.is_relative_to(base):
            raise DatasetInvalid(
                f"{path} names {one}, which is not below its folder, so it cannot be taken along",
                "move it there, or leave the data out: --without-data",
            )
        files[f"{within}/{one.relative_to(base).as_posix()}"] = one
    return _checked(files)


def _files_in(folder: Path) -> Iterator[Path]:
    """What of a folder is data: its images and recordings, those of linked folders, too, as they are read; beside them
    files of the formats that annotations have. Without any image or recording all counts, as its digest says.

    Raises:
        DatasetInvalid: one of the others is a link that leads out of the folder.
    """
    if not holds_media(folder):
        yield from files_below(folder)
        return
    yield from (folder / name for name in walk(folder))
    for one in files_below(folder):
        if one.suffix.lower() not in MEDIA and (one.suffix.lower() in WRITTEN or one.name in NAMES):
            if not one.resolve().is_relative_to(folder.resolve()):
                raise DatasetInvalid(
                    f"{one} is a link that leads out of {folder}, so it cannot be taken along",
                    "put the file itself there, or leave the data out: --without-data",
                )
            yield one


def _checked(files: dict[str, Path]) -> dict[str, Path]:
    """Insist on names that other systems have, too."""
    for name, path in files.items():
        if not is_safe(name):
            raise DatasetInvalid(
                f"the name of {path} is none on every system, so it cannot be taken along",
                "rename it, or leave the data out: --without-data",
            )
    return files


def is_safe(name: str) -> bool:
    """Whether a name in an archive leads to one place below a folder, on any system."""
    parts = name.split("/")
    return 0 < len(name) < LONGEST_NAME and all(
        _PART.fullmatch(part) is not None and part not in (".", "..") and not part.endswith((" ", "."))
        for part in parts
    )


def _files_beside(part: Part, card: Card) -> list[Path]:
    """What else its rows are read with, such as the names of classes; and, as they are opened, its media."""
    dataset = part.read(card)
    return [Path(dataset.names_file)] if dataset.names_file else []


def paths_in_options(request: RunRequest) -> Iterator[str]:
    """Options that name a file of this machine."""
    for options in (request.options, request.shrinking, *(source.options for source in request.sources)):
        for value in options.values():
            if isinstance(value, str) and os.path.isabs(value) and Path(value).is_file():  # noqa: PTH117
                yield value
    for student in request.students:
        yield from paths_in_options(student.training)
