"""What zoo has written down for itself: whether it can be read."""

from __future__ import annotations

from collections.abc import Iterator

from zoo import aliases, plugin_list
from zoo.catalog import Catalog
from zoo.errors import StoreInvalid
from zoo.findings import Finding, fault, ok
from zoo.paths import home


def look() -> Iterator[Finding]:
    """The files of the store, and the models that came of runs or were pulled."""
    yield ok("folder", str(home()))
    for name, read in (("list of plugins", plugin_list.read), ("aliases", aliases.chosen)):
        try:
            read()
        except StoreInvalid as error:
            yield fault(name, error.message, error.hint)
    catalog = Catalog.load()
    for problem in catalog.problems:
        yield fault("model", problem, "zoo rm RUN removes a run, zoo pull MODEL brings a model anew")
    if not catalog.problems:
        yield ok("models", f"{len(catalog.cards):,} can be named, those of your own runs among them")
