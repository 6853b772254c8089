"""Streaming metrics: updated example by example, merged across processes, computed once. No torch, no numpy."""

from __future__ import annotations

from typing import Any, Protocol, Self

from zoo.blocks import Report
from zoo.metrics.classification import ClassificationMetrics, confusion_of, report_of_confusion
from zoo.metrics.label_sets import LabelSetMetrics
from zoo.metrics.loss import LOSSES, MeanLoss, finite
from zoo.metrics.regression import RegressionMetrics

__all__ = [
    "LOSSES",
    "ClassificationMetrics",
    "LabelSetMetrics",
    "MeanLoss",
    "Metrics",
    "RegressionMetrics",
    "confusion_of",
    "finite",
    "report_of",
    "report_of_confusion",
]


class Metrics(Protocol):
    """What an evaluation accumulates."""

    def merge(self, other: Self) -> None:
        """Take in what another process saw."""
        ...

    def compute(self) -> dict[str, float]:
        """The figures over everything seen; empty where nothing was."""
        ...


def report_of(metrics: Metrics) -> Report:
    """What a figure's metrics tell beside it; empty for those that have no `report`."""
    report: Any = getattr(metrics, "report", None)
    return () if report is None else report()
