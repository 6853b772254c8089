"""Entry points: what other distributions bring to zoo. Nobody else touches them.

A group is looked at in three grains: the names alone, which imports nothing; one; all. What goes wrong is a `Failure`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from zoo.entry_points import EntryPoint, entry_points
from zoo.sanitize import one_line

GROUPS = "zoo."
"""Begins the names of all groups."""
HOST = "zoo-models"
"""The distribution that zoo itself is."""
_scan: ContextVar[tuple[EntryPoint, ...] | None] = ContextVar("scan", default=None)
"""The entry points of all groups, while they are read once."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a distribution brings and that cannot be used, and why."""

    name: str
    distribution: str
    version: str
    error: str
    hint: str


@contextmanager
def scanned_once() -> Iterator[None]:
    """Read the files of all distributions once for all groups that are looked at within, rather than at each look."""
    token = _scan.set(entry_points(GROUPS))
    try:
        yield
    finally:
        _scan.reset(token)


def installed(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, each distribution's once."""
    scan = _scan.get()
    points = entry_points(GROUPS) if scan is None else scan
    by_name = {(point.name, point.value, point.distribution[0]): point for point in points if point.group == group}
    return tuple(by_name.values())


def distribution_of(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution that brings an entry point."""
    return point.distribution


def failure_of(point: EntryPoint, error: str, hint: str) -> Failure:
    """The failure of one entry point."""
    distribution, version = distribution_of(point)
    return Failure(
        name=one_line(point.name),
        distribution=distribution,
        version=version,
        error=one_line(error),
        hint=one_line(hint),
    )


def clash_of(points: Sequence[EntryPoint], what: str, *, host: bool = False) -> Failure:
    """The failure of several distributions that claim one name.

    Args:
        points: theirs.
        what: they bring, such as `plugin`.
        host: whether zoo itself is one of them.
    """
    others = sorted({distribution_of(point)[0] for point in points})
    names = " and ".join([HOST, *others] if host else others)
    hint = f"uninstall {others[0]}, or ask its author for another name" if host else f"uninstall one of {names}"
    return failure_of(points[0], f"{names} both call their {what} {points[0].name!r}", hint)


def import_failure(point: EntryPoint, error: BaseException, again: str) -> Failure:
    """The failure of an entry point whose import raised.

    Args:
        point: of the failing.
        error: what it raised.
        again: Python that raises it once more, for whoever wants to see where.
    """
    distribution = distribution_of(point)[0]
    if isinstance(error, SystemExit):  # nothing that repeats it would show where
        return failure_of(
            point, f"SystemExit: {error}", f"update or uninstall {distribution}; its code ends the process"
        )
    return failure_of(
        point,
        f"{type(error).__name__}: {error}",
        f"update or uninstall {distribution}; python -c '{again}' shows the whole error",
    )
