"""What a run keeps of parts that are done, so that an attempt to come need not do them again.

It goes once the run has finished, and not before: an attempt that is killed in between goes on from what is there.
"""

from __future__ import annotations

import shutil

from zoo.runs.store import RunFolder

BASELINES, FOLDS, SHADOWS, SHARDS, SIZES = "baselines", "folds", "shadows", "shards", "sizes"
STUDENTS, VECTORS = "students", "vectors"
"""Names of folders in that of the run."""
ALL = (BASELINES, FOLDS, SHADOWS, SHARDS, SIZES, STUDENTS, VECTORS)


def forget(folder: RunFolder) -> None:
    """Remove what is kept, of a run whose end is written."""
    for name in ALL:
        shutil.rmtree(folder.path / name, ignore_errors=True)
