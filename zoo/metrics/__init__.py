"""Streaming metrics: updated example by example, merged across processes, computed once. No torch, no numpy."""

from __future__ import annotations

from typing import Protocol, Self

from zoo.metrics.classification import ClassificationMetrics, class_figures
from zoo.metrics.loss import LOSSES, MeanLoss, finite

__all__ = ["LOSSES", "ClassificationMetrics", "MeanLoss", "Metrics", "class_figures", "finite"]


class Metrics(Protocol):
    """What an evaluation accumulates."""

    def merge(self, other: Self) -> None:
        """Take in what another process saw."""
        ...

    def compute(self) -> dict[str, float]:
        """The figures over everything seen; empty where nothing was."""
        ...
