"""A dry run: a worker builds everything, takes a few steps to see how fast it is, and leaves nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from zoo.api.run import Run
from zoo.api.starting import start
from zoo.runs.request import RunRequest


@contextlib.contextmanager
def dry_run(request: RunRequest, data_folder: Path | None = None) -> Iterator[Run]:
    """Start it; when the block ends it is stopped, and what it left is removed.

    Args:
        request: of the run.
        data_folder: files that it takes into its own folder, where its data are among them.

    Raises:
        ZooError: it cannot be started.
    """
    trial = start(request, data_folder)
    try:
        yield trial
    finally:
        trial.stop(force=True)
        trial.remove()
