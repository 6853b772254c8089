"""What keeps zoo from working on this machine, found out by small checks, each with a way to mend it.

A check is a function without arguments that yields findings, one for each thing it looked at; `CHECKS` has them all.
None changes anything, and none imports torch: the devices are measured in a process of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from zoo.disk import store_error
from zoo.doctor import (
    caches,
    devices,
    disks,
    environment,
    locks,
    network,
    packages,
    places,
    plugins,
    runs,
    store,
    terminal,
)
from zoo.errors import ZooError
from zoo.findings import Finding, Mark, fault, ok, warning
from zoo.sanitize import error_text

__all__ = ["CHECKS", "NETWORK", "Check", "Finding", "Mark", "examine", "fault", "ok", "warning"]


class Check(NamedTuple):
    """Something to look at."""

    section: str
    """Under which its findings are shown."""
    look: Callable[[], Iterable[Finding]]


CHECKS = (
    Check("environment", environment.look),
    Check("packages", packages.look),
    Check("plugins", plugins.look),
    Check("devices", devices.look),
    Check("store", store.look),
    Check("disks", disks.look),
    Check("places", places.look),
    Check("runs", runs.look),
    Check("locks", locks.look),
    Check("weights", caches.look),
    Check("terminal", terminal.look),
)
"""In the order in which they are shown."""
NETWORK = Check("network", network.look)
"""For those who ask for it: it sends requests."""


def examine(check: Check) -> Iterator[Finding]:
    """The findings of a check; one that raises has found a fault, and those after it are made all the same.

    Args:
        check: one of `CHECKS`.
    """
    try:
        yield from check.look()
    except ZooError as error:
        yield fault(check.section, error.message, error.hint)
    except Exception as error:  # whatever is broken here must keep no other check from being made
        known = store_error(error) if isinstance(error, OSError) else None
        if known is not None:
            yield fault(check.section, known.message, known.hint)
            return
        words = f"this could not be looked at: {type(error).__name__}: {error_text(error)}"
        yield fault(check.section, words, "please report it")
