"""What a run keeps of parts that are done, so that an attempt to come need not do them again.

It goes once the run has finished, and not before: an attempt that is killed in between goes on from what is there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from zoo.runs.store import RunFolder

BASELINES, FOLDS, SHADOWS, SHARDS, SIZES = "baselines", "folds", "shadows", "shards", "sizes"
STUDENTS, VECTORS = "students", "vectors"
"""Names of folders in that of the run."""
ALL = (BASELINES, FOLDS, SHADOWS, SHARDS, SIZES, STUDENTS, VECTORS)
_LOGS = (".jsonl", ".txt", ".lock")
"""What attempts write that come to nothing."""


def forget(folder: RunFolder) -> None:
    """Remove what is kept, of a run whose end is written."""
    for name in ALL:
        shutil.rmtree(folder.path / name, ignore_errors=True)


def written_since(folder: RunFolder, at: float) -> bool:
    """Whether something was kept of a run after a moment, in Unix time."""
    paths = (path for name in ALL for path in (folder.path / name).rglob("*") if path.suffix not in _LOGS)
    return any(_written_at(path) > at for path in paths)


def _written_at(path: Path) -> float:
    """When a file was written; 0 for what is none, or is gone meanwhile."""
    try:
        return path.stat().st_mtime if path.is_file() else 0.0
    except OSError:
        return 0.0
