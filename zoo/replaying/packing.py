"""Which files the data of a run are, and where they stand in an archive."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.card import Card
from zoo.errors import DatasetInvalid
from zoo.file_cache import read_once
from zoo.kinds.media_files import files_below
from zoo.replaying.data import Part
from zoo.runs.request import RunRequest

DATA = "data/"
"""Begins the names of files of data in an archive."""
LONGEST_NAME = 1000
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
    path, name = Path(part.path), places.names[part.path]
    with read_once() as cache:
        now = part.digest_now(card)
        if not now or (part.sha256 and now != part.sha256):
            what = "have changed since" if now else "are gone"
            raise DatasetInvalid(
                f"the {part.what} in {path} {what}, so the bundle would replay another run",
                "put them back, or leave them out: --without-data",
            )
        beside = _files_beside(part, card) if path.is_file() else []
        media = [Path(os.path.abspath(one)) for one in cache.media]  # noqa: PTH100  (links stay as they are)
    if path.is_dir():
        return _checked({f"{name}/{one.relative_to(path).as_posix()}": one for one in files_below(path)})
    base = path.parent
    files = {name: path}
    if part.data.classes:
        files[places.names[part.data.classes]] = Path(part.data.classes)
    for one in (*media, *beside):
        if not one.is_relative_to(base):
            raise DatasetInvalid(
                f"{path} names {one}, which is not below its folder, so it cannot be taken along",
                "move it there, or leave the data out: --without-data",
            )
        files[f"{name.rpartition('/')[0]}/{one.relative_to(base).as_posix()}"] = one
    return _checked(files)


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
