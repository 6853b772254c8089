"""Entry points of the distributions on the path, as `importlib.metadata` has them, in a third of the time.

That is imported only where a finder or an archive brings distributions, too, which no look into folders shows.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from functools import reduce
from importlib.machinery import PathFinder
from typing import Any, NamedTuple, cast

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
    finders = (finder for finder in sys.meta_path if finder is not PathFinder)
    if any(hasattr(finder, "find_distributions") for finder in finders) or any(map(os.path.isfile, sys.path)):
        return tuple(_of_importlib(prefix))
    return tuple(_of_folders(prefix))


def _of_importlib(prefix: str) -> Iterator[EntryPoint]:
    from importlib import metadata

    points = cast("metadata.EntryPoints", metadata.entry_points())
    for group in points.groups:
        for point in points.select(group=group) if group.startswith(prefix) else ():
            distribution, place = UNKNOWN, ""
            if point.dist is not None:
                described = point.dist.read_text("METADATA") or point.dist.read_text("PKG-INFO") or ""
                distribution, place = _name_and_version(described), str(point.dist.locate_file(""))
            yield EntryPoint(point.name, point.value, point.group, distribution, place)


def _of_folders(prefix: str) -> Iterator[EntryPoint]:
    seen: set[str] = set()
    for folder in (entry or "." for entry in sys.path):
        try:
            names = os.listdir(folder)  # noqa: PTH208  (pathlib takes as long as reading the files)
        except OSError:
            continue  # there is no such folder, which is usual
        for name in names:
            stem, end = os.path.splitext(name)  # noqa: PTH122
            if end in _METADATA:
                distribution = _SEPARATORS.sub("-", stem.partition("-")[0]).lower()
                if distribution not in seen:
                    seen.add(distribution)
                    yield from _of_distribution(folder, f"{folder}/{name}", _METADATA[end], prefix)


def _of_distribution(folder: str, described: str, metadata: str, prefix: str) -> Iterator[EntryPoint]:
    """Those that one distribution brings.

    Args:
        folder: that it is in.
        described: the folder that describes it.
        metadata: name of the file that has its name and version.
        prefix: of the names of groups.
    """
    content = _read(f"{described}/entry_points.txt")
    if f"[{prefix}" not in content:
        return
    group, distribution = "", _name_and_version(_read(f"{described}/{metadata}"))
    for line in map(str.strip, content.splitlines()):
        if line.startswith("["):
            group = line.strip("[]")
        elif "=" in line and group.startswith(prefix) and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.strip(), group, distribution, folder)


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
