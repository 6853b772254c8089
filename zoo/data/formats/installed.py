"""Formats that other distributions bring: entry points of the group `zoo.formats`, called as the extension they read.

Their modules have `read_columns(path, log)` and `read_rows(path, columns, log)`, as `Reader` describes them. One that
has `is_of(path)`, too, is asked about every path, as `ContentReader` describes it; its name is a name, no extension.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.lines import EncodingLog, LineTooLong, NotUtf8
from zoo.data.rows import Malformed, Row
from zoo.discovery import Failure, clash_of, distribution_of, failure_of, import_failure, installed
from zoo.entry_points import EntryPoint
from zoo.errors import PluginBroken, ZooError

GROUP = "zoo.formats"
_FUNCTIONS = ("read_columns", "read_rows")
_EXPECTED = (ZooError, OSError, NotUtf8, LineTooLong)
"""What a reader may raise because of the file."""


class InstalledFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A format, and where it comes from."""

    name: str
    extension: str
    """Of its files; empty where they are known by what they hold."""
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.extension or self.name} ({self.distribution} {self.version})"


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
    formats, failures = [], []
    for extension in extensions():
        points = _points()[extension]
        module = _load(points)
        if isinstance(module, Failure):
            failures.append(module)
            continue
        distribution, version = distribution_of(points[0])
        ending = "" if _knows_content(module) else extension
        formats.append(
            InstalledFormat(name=points[0].name, extension=ending, distribution=distribution, version=version)
        )
    return tuple(formats), tuple(failures)


def content_readers() -> Iterator[InstalledReader]:
    """What reads files and folders that are known by what they hold; a format that cannot be used is left out."""
    for extension in extensions():
        points = _points()[extension]
        module = _load(points)
        if isinstance(module, Failure):
            _warn_once(f"format {module.name} ({module.distribution}) is left out: {module.error}")
        elif _knows_content(module):
            yield InstalledReader(points[0], module)


def reader_of(extension: str) -> InstalledReader | None:
    """What reads files of an extension, whatever they hold; None where no distribution does.

    Raises:
        PluginBroken: the distribution that brings it is at fault, or several claim the extension.
    """
    points = _points().get(extension, ())
    if not points:
        return None
    loaded = _load(points)
    if isinstance(loaded, Failure):
        raise PluginBroken(f"format {loaded.name} ({loaded.distribution}): {loaded.error}", loaded.hint)
    return None if _knows_content(loaded) else InstalledReader(points[0], loaded)


def _knows_content(module: Any) -> bool:
    return callable(getattr(module, "is_of", None))


@cache
def _warn_once(message: str) -> None:
    logging.getLogger(__name__).warning("%s", message)


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

    @property
    def TITLE(self) -> str:  # noqa: N802 - as modules have it
        """What the format is called, and who brings it, where the name of a file does not say it."""
        title = getattr(self._module, "TITLE", self._point.name if _knows_content(self._module) else "")
        return f"{title} ({' '.join(distribution_of(self._point))})" if title else ""

    def __getattr__(self, name: str) -> Any:
        """What else `Reader` may have."""
        value = getattr(self._module, name)
        return partial(self._called, value) if callable(value) else value

    def is_of(self, path: Path) -> bool:
        """Whether a path is of the format; none is of one that fails on it."""
        try:
            return bool(self._module.is_of(path))
        except Exception as error:  # whatever it may stumble over in what is not its own
            _warn_once(self._broken(path, error).message)
            return False

    def parts(self, path: Path) -> dict[str, Path]:
        """Where the parts of a folder are; none where the module does not say."""
        if not hasattr(self._module, "parts"):
            return {}
        parts = {str(part): Path(one) for part, one in (self._called(self._module.parts, path) or {}).items()}
        if parts and not {"train"} <= parts.keys() <= {"train", "eval", "test"}:
            names = ", ".join(parts)
            raise self._broken(path, ValueError(f"its parts are {names}, not train and perhaps eval and test"))
        return parts

    def read_columns(self, path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(map(str, self._called(self._module.read_columns, path, log)))

    def _called(self, function: Callable[..., Any], path: Path, *args: Any) -> Any:
        try:
            return function(path, *args)
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

    def _broken(self, path: Path, error: Exception) -> PluginBroken:
        distribution, version = distribution_of(self._point)
        return PluginBroken(
            f"format {self._point.name} ({distribution} {version}) fails on {path}: {type(error).__name__}: {error}",
            "its author must mend it; the traceback (zoo -v) shows where",
        )
