"""The kinds of places: those of zoo, and those that other distributions bring as entry points of `zoo.places`.

The name of an entry point is that of the kind, its value a module that is light to import, whose `KIND` it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from zoo.discovery import Failure, clash_of, failure_of, import_failure, installed
from zoo.errors import PluginBroken, StoreInvalid
from zoo.places.place import Place, PlaceSettings
from zoo.suggestions import did_you_mean

GROUP = "zoo.places"
HERE = "here"
"""Name of the kind, and of the place, that is this machine."""
BUILT_IN = {HERE: "zoo.places.here", "slurm": "zoo.places.slurm", "hosts": "zoo.places.hosts", "sky": "zoo.places.sky"}
"""Name to module, whose `KIND` it is; what other distributions bring is looked up after these."""


class PlaceKind(NamedTuple):
    """A kind of places."""

    name: str
    settings: type[PlaceSettings]
    """What can be said of such a place."""
    make: Callable[[str, Any], Place]
    """The place of a name and of what is said of it."""
    help: str
    """In a few words."""
    has_queue: bool = True
    """Whether jobs wait there until there is room for them."""
    reached_from_within: bool = False
    """Whether a job there can hand over another one, as what follows a run is handed over by its worker."""


def kind_names() -> tuple[str, ...]:
    """Names of all kinds, those of zoo first; imports none of them."""
    return tuple(dict.fromkeys([*BUILT_IN, *sorted(point.name for point in installed(GROUP))]))


def kind_named(name: str) -> PlaceKind:
    """The kind of that name.

    Raises:
        StoreInvalid: there is none.
        PluginBroken: the distribution that brings it cannot be used.
    """
    if module := BUILT_IN.get(name):
        kind: PlaceKind = importlib.import_module(module).KIND
        return kind
    brought = _brought(name)
    if brought is None:
        names = kind_names()
        raise StoreInvalid(f"there is no kind {name!r}", did_you_mean(name, names, f"there are {', '.join(names)}"))
    if isinstance(brought, Failure):
        raise PluginBroken(f"the kind {name} of {brought.distribution} cannot be used: {brought.error}", brought.hint)
    return brought


def broken_kinds() -> tuple[Failure, ...]:
    """Kinds of other distributions that cannot be used."""
    names = dict.fromkeys(point.name for point in installed(GROUP))
    return tuple(one for one in map(_brought, names) if isinstance(one, Failure))


def _brought(name: str) -> PlaceKind | Failure | None:
    """The kind of that name that another distribution brings."""
    points = [point for point in installed(GROUP) if point.name == name]
    if not points:
        return None
    if len(points) > 1 or name in BUILT_IN:
        return clash_of(points, "kind of place", host=name in BUILT_IN)
    try:
        kind = getattr(points[0].load(), "KIND", None)
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        return import_failure(points[0], error, f"import {points[0].module}")
    if isinstance(kind, PlaceKind):
        return kind
    words = f"{points[0].value} has no KIND that is a zoo.places.kinds.PlaceKind"
    return failure_of(points[0], words, "ask its author to mend it")
