"""The images of a run, kept as small as training needs them."""

from __future__ import annotations

import os

from zoo import TrainingRun
from zoo.training import ImageStore
from zoo_resnet.preprocessing import Preprocessing

THREADS = os.cpu_count() or 1
"""That decode images, or make batches of them."""
_MEGABYTE = 1_000_000


def image_store(run: TrainingRun, preprocessing: Preprocessing) -> ImageStore:
    """An empty store within the bounds that the options set."""
    return ImageStore(
        run,
        prepare=preprocessing.reduce,
        memory_bytes=run.options.cache_memory * _MEGABYTE,
        disk_bytes=run.options.cache_disk * _MEGABYTE,
    )
