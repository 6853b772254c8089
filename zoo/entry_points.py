"""Distributions on the path and their entry points, as `importlib.metadata` has them, in a third of the time.

That is imported only where a finder, an archive or an egg brings distributions, too, which no look into folders shows.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Iterator
from functools import reduce
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from importlib import metadata

UNKNOWN = ("unknown", "")
"""Name and version of a distribution that says neither."""
_METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
"""Ends of the folders that describe distributions, and their files of names and versions."""
_SEPARATORS = re.compile(r"[-_.]+")


class EntryPoint(NamedTuple):
    """What a distribution brings under a name."""

    name: str
    value: str
    """A module, or with a colon something in it."""
    group: str
    distribution: tuple[str, str]
    """Its name and version."""
    place: str
    """The folder that it is in."""

    @property
    def module(self) -> str:
        """Name of the module."""
        return self.value.partition("[")[0].partition(":")[0].strip()

    def load(self) -> Any:
        """What it stands for; imports the module."""
        attributes = self.value.partition("[")[0].partition(":")[2].strip()
        return reduce(getattr, filter(None, attributes.split(".")), importlib.import_module(self.module))


def entry_points(prefix: str) -> tuple[EntryPoint, ...]:
    """Those of all groups whose names begin so; of several distributions of one name the first on the path counts.

    Args:
        prefix: of the names of groups.
    """
    return tuple(_of_folders(prefix) if _all_lie_in_folders() else _of_importlib(prefix))


def folder_of(distribution: str) -> str | None:
    """The folder that a distribution is in; None where there is none of that name.

    Args:
        distribution: its name.
    """
    if not _all_lie_in_folders():
        from importlib import metadata

        try:
            return str(metadata.distribution(distribution).locate_file(""))
        except Exception:  # there is none, or whatever a finder's own distribution raises
            return None
    name = _normalised(distribution)
    return next((one.folder for one in _distributions() if one.name == name), None)


class _Distribution(NamedTuple):
    """What a folder on the path describes."""

    name: str
    """As names are compared."""
    folder: str
    described: str
    """The folder below it that does."""
    metadata: str
    """Name of the file that has its name and version."""


def _all_lie_in_folders() -> bool:
    """Whether no finder of its own, and neither an archive nor an egg on the path, brings distributions."""
    finders = (finder for finder in sys.meta_path if finder is not PathFinder)
    return not any(hasattr(finder, "find_distributions") for finder in finders) and not any(
        os.path.isfile(entry) or str(entry).rstrip("/").lower().endswith(".egg")  # noqa: PTH113  (as below)
        for entry in sys.path
    )


def _distributions() -> Iterator[_Distribution]:
    """Each once; of several of one name the first on the path."""
    seen: set[str] = set()
    for folder in (str(Path(entry)) for entry in sys.path):
        try:
            names = os.listdir(folder)  # noqa: PTH208  (pathlib takes as long as reading the files)
        except OSError:
            continue  # there is no such folder, which is usual
        for described in names:
            stem, end = os.path.splitext(described)  # noqa: PTH122
            if end in _METADATA and (name := _normalised(stem.partition("-")[0])) not in seen:
                seen.add(name)
                yield _Distribution(name, folder, f"{folder}/{described}", _METADATA[end])


def _normalised(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


def _of_importlib(prefix: str) -> Iterator[EntryPoint]:
    from importlib import metadata

    points = cast("metadata.EntryPoints", metadata.entry_points())
    for group in points.groups:
        for point in points.select(group=group) if group.startswith(prefix) else ():
            yield EntryPoint(point.name, point.value, point.group, *_origin(point.dist))


def _origin(distribution: metadata.Distribution | None) -> tuple[tuple[str, str], str]:
    """Name and version of a distribution, and its folder, as far as it says so."""
    named, place = UNKNOWN, ""
    with contextlib.suppress(Exception):  # damaged files, or whatever a finder's own distribution raises
        if distribution is not None:
            named = _name_and_version(distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "")
            place = str(distribution.locate_file(""))
    return named, place


def _of_folders(prefix: str) -> Iterator[EntryPoint]:
    for one in _distributions():
        content = _read(f"{one.described}/entry_points.txt")
        if f"[{prefix}" not in content:
            continue
        group, distribution = "", _name_and_version(_read(f"{one.described}/{one.metadata}"))
        for line in map(str.strip, content.splitlines()):
            if line.startswith("["):
                group = line.strip("[]")
            elif "=" in line and group.startswith(prefix) and not line.startswith("#"):
                name, _, value = line.partition("=")
                yield EntryPoint(name.strip(), value.strip(), group, distribution, one.folder)


def _name_and_version(metadata: str) -> tuple[str, str]:
    """What the head of metadata says."""
    fields = dict.fromkeys(("name", "version"), "")
    for line in metadata.split("\n\n", 1)[0].splitlines():
        field, _, value = line.partition(":")
        if fields.get(field.lower()) == "":
            fields[field.lower()] = value.strip()
    return (fields["name"] or UNKNOWN[0], fields["version"])


def _read(path: str) -> str:
    """The text of a file; empty where there is none, or where a half-removed distribution left something else."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except (OSError, UnicodeError):
        return ""
