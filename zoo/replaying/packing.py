"""Which files the data of a run are, and where they stand in an archive."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from zoo.card import Card
from zoo.data.formats import format_of
from zoo.data.formats.installed import InstalledReader
from zoo.data.layout import table_in
from zoo.data.rows import Row
from zoo.data.table import Table
from zoo.errors import DatasetInvalid
from zoo.file_cache import read_once
from zoo.kinds.media_files import files_below, holds_media, walk
from zoo.replaying.data import LEVELS, Part
from zoo.runs.request import RunRequest

DATA = "data/"
"""Begins the names of files of data in an archive."""
LONGEST_NAME = 1000
_PART = re.compile(r"[^\x00-\x1f\x7f:\\/<>|?*\"]+")
"""A name of a file or folder on any system."""


class Places:
    """Where files stand in an archive: those that belong together in one folder, as they do here."""

    def __init__(self) -> None:
        self._numbers: dict[Path, int] = {}
        self.names: dict[str, str] = {}
        """In the archive, by their paths."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Of this machine, which have one of the archive each."""
        return tuple(self._numbers)

    def add(self, text: str, base: Path | None = None) -> None:
        """Find a place for a file or folder; an empty path is none.

        Args:
            text: its path.
            base: a folder above it, where it belongs to what else is in that.
        """
        if text:
            path = absolute(text)
            self.names[text] = self.name_of(path, path.parent if base in (None, path) else base)

    def name_of(self, path: Path, folder: Path) -> str:
        """What a file is called in the archive.

        Args:
            path: of the file.
            folder: that holds it, and has a folder of the archive.
        """
        number = self._numbers.setdefault(folder, len(self._numbers) + 1)
        return f"{DATA}{number}/{path.relative_to(folder).as_posix()}"


def absolute(path: str | Path) -> Path:
    """A path from the root on, in which links stay as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def common_folder(path: str, paths: Iterable[str]) -> Path | None:
    """The folder that data share with others of the same name, if it is not far above; so they can be told apart.

    Args:
        path: of the data.
        paths: of all data.
    """
    own = absolute(path)
    others = [absolute(one) for one in paths if one and Path(one).name == own.name and absolute(one) != own]
    near = own.parents[: LEVELS + 1]
    return next((one for one in near if others and all(other.is_relative_to(one) for other in others)), None)


def files_of(parts: Iterable[Part], card: Card, places: Places) -> dict[str, Path]:
    """The files of data, by their names in the archive: those that are opened when they are read.

    Args:
        parts: of the data of a run.
        card: of the model that the run began from.
        places: get the parts.

    Raises:
        DatasetInvalid: they are not what the run learnt from, or lie too far from their table.
    """
    contents: dict[Path, _Content] = {}
    files: dict[str, Path] = {}
    parts = tuple(parts)
    for part in parts:
        path = absolute(part.path)
        contents[path] = _content(part, card).joined(contents.get(path))
    for part in parts:
        path = absolute(part.path)
        base = contents[path].base
        places.add(part.path, base)
        for one in contents[path].files:
            files[places.name_of(one, path.parent if base == path else base)] = one
        if part.data.classes:
            places.add(part.data.classes)
            files[places.names[part.data.classes]] = Path(part.data.classes)
    return _checked(files)


class _Content(NamedTuple):
    """The files of a part of the data."""

    base: Path
    """The nearest folder that holds all of them."""
    files: tuple[Path, ...]

    def joined(self, other: _Content | None) -> _Content:
        """The same data read as two parts."""
        if other is None:
            return self
        base = min(self.base, other.base, key=lambda one: len(one.parts))
        return _Content(base, tuple(dict.fromkeys((*other.files, *self.files))))


def _content(part: Part, card: Card) -> _Content:
    path = absolute(part.path)
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
        tables = [] if dataset.has_class_folders else cache.tables
        beside = [dataset.names_file] if dataset.names_file else []
        opened = {absolute(one) for one in (*cache.media, *map(str, tables), *beside)}
        if cache.media and not dataset.has_class_folders:
            _check_names(path, tuple(dataset.columns.values()), opened)
    if part.data.classes:
        opened.discard(absolute(part.data.classes))  # which has a place of its own
    base = _base(path, opened)
    listed = _listed(path) if path.is_dir() else {path}
    whole = base.resolve()
    for one in opened - listed if path.is_dir() else ():
        if not one.resolve().is_relative_to(whole):
            raise DatasetInvalid(
                f"{one} is a link that leads out of {base}, so it cannot be taken along",
                "put the file itself there, or leave the data out: --without-data",
            )
    return _Content(base, tuple(sorted(listed | opened)))


def _check_names(table: Path, columns: tuple[str, ...], opened: Collection[Path]) -> None:
    """Insist on a table that names its files from its own folder on: whole paths lead nowhere on another machine."""
    cells = (cell for row in Table(table).rows(columns) if isinstance(row, Row) for cell in row.values.values())
    for cell in cells:
        if (
            isinstance(cell, str)
            and (name := Path(cell.strip()).expanduser()).is_absolute()
            and absolute(name) in opened
        ):
            raise DatasetInvalid(
                f"{table} names {name} by its whole path, which leads nowhere on another machine",
                "train on a table that names files from its own folder on, or leave the data out: --without-data",
            )


def _base(path: Path, opened: Iterable[Path]) -> Path:
    """The nearest folder that holds data and all that they name: labels stand beside the folder of their pictures, or
    above it, as their layout has it.
    """
    folder = path if path.is_dir() else path.parent
    folders = (folder, *folder.parents[:LEVELS])
    far = [one for one in opened if not one.is_relative_to(folders[-1])]
    if far:
        raise DatasetInvalid(
            f"{path} names {min(far)}, which is too far from it to be taken along",
            f"bring both into one folder, {LEVELS} levels above {path.name} at most, or leave the data out: "
            "--without-data",
        )
    return next(one for one in folders if all(file.is_relative_to(one) for file in opened))


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
