"""A dry run: a worker builds everything, takes a few steps to see how fast it is, and leaves nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from zoo.api import Run, start
from zoo.runs.request import RunRequest


@contextlib.contextmanager
def dry_run(request: RunRequest) -> Iterator[Run]:
    """Start it; when the block ends it is stopped, and what it left is removed.

    Raises:
        ZooError: it cannot be started.
    """
    trial = start(request)
    try:
        yield trial
    finally:
        trial.stop(force=True)
        trial.remove()
