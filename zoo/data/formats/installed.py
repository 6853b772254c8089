"""Formats that other distributions bring: entry points of the group `zoo.formats`, called as the extension they read.

Its module has `read_columns(path, log)` and `read_rows(path, columns, log)`, as `Reader` describes them. It may have
more that formats of zoo have: `is_of(path)` and `parts(folder)`, `base_of(path)`, `TITLE` and `INPUT_KIND`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.lines import EncodingLog, LineTooLong, NotUtf8
from zoo.data.rows import Malformed, Row
from zoo.discovery import Failure, clash_of, distribution_of, failure_of, import_failure, installed
from zoo.errors import PluginBroken, ZooError

GROUP = "zoo.formats"
_FUNCTIONS = ("read_columns", "read_rows")
_PARTS = ("train", "eval", "test")
_OPTIONAL = ("base_of", "TITLE", "INPUT_KIND")
"""What else is asked of it where it has any."""
_EXPECTED = (ZooError, OSError, NotUtf8, LineTooLong)
"""What a reader may raise because of the file."""


class InstalledFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A format, and where it comes from."""

    extension: str
    """Of its files."""
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.extension} ({self.distribution} {self.version})"


@cache
def _points() -> dict[str, tuple[EntryPoint, ...]]:
    """Entry points by extension; imports none of them."""
    points: dict[str, tuple[EntryPoint, ...]] = {}
    for point in installed(GROUP):
        extension = f".{point.name.lower()}"
        points[extension] = (*points.get(extension, ()), point)
    return points


def extensions() -> tuple[str, ...]:
    """The extensions of the formats that other distributions bring."""
    return tuple(sorted(_points()))


def load_formats() -> tuple[tuple[InstalledFormat, ...], tuple[Failure, ...]]:
    """The formats that other distributions bring; those that cannot be used come as failures."""
    loaded = {extension: _load(_points()[extension]) for extension in extensions()}
    formats = []
    for extension in (extension for extension, module in loaded.items() if not isinstance(module, Failure)):
        distribution, version = distribution_of(_points()[extension][0])
        formats.append(InstalledFormat(extension=extension, distribution=distribution, version=version))
    return tuple(formats), tuple(module for module in loaded.values() if isinstance(module, Failure))


def reader_of(extension: str) -> InstalledReader | None:
    """What reads files of an extension; None where no distribution does.

    Raises:
        PluginBroken: the distribution that brings it is at fault, or several claim the extension.
    """
    points = _points().get(extension, ())
    if not points:
        return None
    loaded = _load(points)
    if isinstance(loaded, Failure):
        raise PluginBroken(f"format {loaded.name} ({loaded.distribution}): {loaded.error}", loaded.hint)
    return InstalledReader(points[0], loaded)


def readers_with(function: str) -> Iterator[InstalledReader]:
    """The formats whose module has a function; those that cannot be used are reported where their files are read."""
    for points in _points().values():
        module = _load(points)
        if not isinstance(module, Failure) and hasattr(module, function):
            yield InstalledReader(points[0], module)


def _load(points: tuple[EntryPoint, ...]) -> Any | Failure:
    """The module that the entry points of one extension stand for; two of one name are a failure."""
    point = points[0]
    if len(points) > 1:
        return clash_of(points, "format")
    try:
        module = point.load()
    except (Exception, SystemExit) as error:  # whatever a stranger's module may raise while it is imported
        return import_failure(point, error, f"import {point.module}")
    lacking = [name for name in _FUNCTIONS if not callable(getattr(module, name, None))]
    if lacking:
        return failure_of(point, f"{point.module} has no {' and no '.join(lacking)}", "its author must mend it")
    return module


class InstalledReader:
    """A module of another distribution that reads files; what goes wrong in it is reported as its fault."""

    def __init__(self, point: EntryPoint, module: Any) -> None:
        self._point, self._module = point, module

    def read_columns(self, path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
        """The names of the columns."""
        try:
            return tuple(map(str, self._module.read_columns(path, log)))
        except _EXPECTED:
            raise
        except Exception as error:
            raise self._broken(path, error) from error

    def read_rows(
        self, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
    ) -> Iterator[Row | Malformed]:
        """Every row with these columns, in order."""
        try:
            yield from self._module.read_rows(path, columns, log)
        except _EXPECTED:
            raise
        except Exception as error:
            raise self._broken(path, error) from error

    def is_of(self, path: Path) -> bool:
        """Whether a file or folder is of this format."""
        try:
            return bool(self._module.is_of(path))
        except _EXPECTED:
            raise
        except Exception as error:
            raise self._broken(path, error) from error

    def parts(self, folder: Path) -> dict[str, Path]:
        """The parts of a folder."""
        try:
            return {part: Path(path) for part, path in self._module.parts(folder).items() if part in _PARTS}
        except _EXPECTED:
            raise
        except Exception as error:
            raise self._broken(folder, error) from error

    def __getattr__(self, name: str) -> Any:
        """What formats may say beside."""
        if name in _OPTIONAL:
            return getattr(self._module, name)
        raise AttributeError(name)

    def _broken(self, path: Path, error: Exception) -> PluginBroken:
        distribution, version = distribution_of(self._point)
        return PluginBroken(
            f"format {self._point.name} ({distribution} {version}) fails on {path}: {type(error).__name__}: {error}",
            "its author must mend it; the traceback (zoo -v) shows where",
        )
