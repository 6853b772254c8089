"""Which files the data of a run are, and where they stand in an archive."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.card import Card
from zoo.data.formats import format_of
from zoo.data.formats.installed import InstalledReader
from zoo.data.layout import table_in
from zoo.errors import DatasetInvalid
from zoo.file_cache import read_once
from zoo.kinds.media_files import files_below, holds_media, walk
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
    """The files of a part of the data, by their names in the archive: those that are opened when it is read.

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
        dataset = part.read(card)
        # Class folders have no annotations: tables were opened to see whether they are some.
        tables = [] if dataset.has_class_folders else map(str, cache.tables)
        beside = [dataset.names_file] if dataset.names_file else []
        named = os.path.abspath(part.data.classes) if part.data.classes else ""  # noqa: PTH100
        absolute = map(os.path.abspath, (*cache.media, *tables, *beside))
        opened = [Path(one) for one in absolute if one != named]  # which has a place of its own
    base, within = (path, name) if path.is_dir() else (path.parent, name.rpartition("/")[0])
    files: dict[str, Path] = {}
    if part.data.classes:
        files[places.names[part.data.classes]] = Path(part.data.classes)
    listed = _listed(path) if path.is_dir() else {path}
    for one in sorted(listed.union(opened)):
        if not one.is_relative_to(base):
            raise DatasetInvalid(
                f"{path} names {one}, which is not below its folder, so it cannot be taken along",
                "move it there, or leave the data out: --without-data",
            )
        if one not in listed and path.is_dir() and not one.resolve().is_relative_to(path.resolve()):
            raise DatasetInvalid(
                f"{one} is a link that leads out of {path}, so it cannot be taken along",
                "put the file itself there, or leave the data out: --without-data",
            )
        files[f"{within}/{one.relative_to(base).as_posix()}"] = one
    return _checked(files)


def _listed(folder: Path) -> set[Path]:
    """Files of a folder that are data whether or not they are opened: its images and recordings, also those of linked
    folders. Without any all files are, as its digest says; likewise in a format of a plugin, which opens them itself.
    """
    media = {folder / name for name in walk(folder)}
    whole = not holds_media(folder) or isinstance(format_of(table_in(folder)).reader, InstalledReader)
    return media | set(files_below(folder)) if whole else media


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


def paths_in_options(request: RunRequest) -> Iterator[str]:
    """Options that name a file of this machine."""
    for options in (request.options, request.shrinking, *(source.options for source in request.sources)):
        for value in options.values():
            if isinstance(value, str) and os.path.isabs(value) and Path(value).is_file():  # noqa: PTH117
                yield value
    for student in request.students:
        yield from paths_in_options(student.training)
