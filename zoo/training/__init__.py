"""What torch plugins build on: the objective, and the engine that trains it. Imports torch; workers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.prefetch import prefetched
from zoo.training.body import Body
from zoo.training.dropout import Dropout
from zoo.training.linear import Linear, linear, onednn_is_faster
from zoo.training.objective import Batch, Objective, Output

if TYPE_CHECKING:
    from zoo.training.images.store import ImageStore

__all__ = [
    "Batch",
    "Body",
    "Dropout",
    "ImageStore",
    "Linear",
    "Objective",
    "Output",
    "linear",
    "onednn_is_faster",
    "prefetched",
]


def __getattr__(name: str) -> Any:
    """What not every plugin has the packages for."""
    if name == "ImageStore":
        from zoo.training.images.store import ImageStore

        return ImageStore
    raise AttributeError(f"module 'zoo.training' has no attribute {name!r}")
