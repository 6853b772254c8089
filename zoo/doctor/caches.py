"""Weights on this machine: what is damaged, what has not arrived to its end, and how much was ever hashed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator

from zoo.cache.contents import CachedWeights, being_fetched, contents
from zoo.cache.verification import glance
from zoo.findings import Finding, fault, ok, warning
from zoo.plurals import counted
from zoo.units import duration, size


def look() -> Iterator[Finding]:
    """Each set of weights, without reading any of them in full."""
    cached = contents()
    whole = hashed = 0
    for one in cached:
        verdicts = [glance(file) for file in one.files if not file.partial]
        for verdict in verdicts:
            if verdict.problem:
                yield fault(one.name, f"{verdict.file.path} {verdict.problem}", _mended(one))
        whole += len(verdicts)
        hashed += sum(1 for verdict in verdicts if verdict.compared)
        yield from _unfinished(one)
    own, elsewhere = (
        sum(one.size_bytes for one in cached if bool(one.part_of) is is_elsewhere) for is_elsewhere in (False, True)
    )
    more = f", and {size(elsewhere)} in packages and folders" if elsewhere else ""
    words = f"{counted(len(cached), 'set')} of weights, {size(own)} in the caches{more}"
    yield ok("weights", f"{words}; {hashed:,} of {counted(whole, 'file')} hashed", "zoo cache verify hashes all")


def _mended(one: CachedWeights) -> str:
    if one.part_of:
        return f"install {one.part_of} again"
    return f"zoo cache verify {shlex.quote(_name(one))} --fix, and it is fetched again when needed"


def _unfinished(one: CachedWeights) -> Iterator[Finding]:
    """Downloads that stopped half-way."""
    left = [file for file in one.files if file.partial and not being_fetched(file)]
    if left:
        age_s = time.time() - max(file.modified_at for file in left)
        arrived = size(sum(file.size_bytes for file in left))
        words = f"a download has stopped after {arrived}, {duration(max(0.0, age_s))} ago"
        begin = f"zoo pull {shlex.quote(_name(one))} goes on; " if one.models else ""
        yield warning(one.name, words, f"{begin}zoo cache prune --partial deletes it")


def _name(one: CachedWeights) -> str:
    """A name that commands understand."""
    return one.models[0] if one.models else one.origin
