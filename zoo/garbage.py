"""Python's collector of garbage, kept away from where there is none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Import modules without collections, and leave what is imported out of later ones: it stays until the end.

    Collections take a twentieth to an eighth of the time that the imports of zoo take. Whatever else there is by then
    stays, too, so that only the first pause of a process does it.
    """
    gc.disable()
    try:
        yield
        if not gc.get_freeze_count():
            gc.freeze()
    finally:
        gc.enable()
