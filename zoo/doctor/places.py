"""The places that runs are handed over to: what is declared, and whether those answer that runs are at."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.findings import Finding, fault, ok, warning
from zoo.places.kinds import broken_kinds
from zoo.places.table import path, places
from zoo.plurals import counted
from zoo.runs import going_on, placement


def look() -> Iterator[Finding]:
    """`places.toml`, kinds of other distributions, and the schedulers of runs that may be going on."""
    yield from (fault(f"kind {one.name}", one.error, one.hint) for one in broken_kinds())
    declared = places()[1:]
    if declared:
        names = ", ".join(one.name for one in declared)
        yield ok("places", f"{counted(len(declared), 'place')} in {path()}: {names}; zoo places check looks at them")
    else:
        yield ok("places", "this machine alone; zoo places says where others are declared")
    for name, why in placement.ask_places(going_on.noted()).items():
        words = f"{why}; runs there count as going on meanwhile"
        yield warning(f"place {name}", words, f"zoo places check {name}")
