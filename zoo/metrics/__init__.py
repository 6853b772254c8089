"""Streaming metrics: updated example by example, merged across processes, computed once. No torch, no numpy.

A training counts what its losses know (`Metrics`); an evaluation holds answers against the data (`Judge`, named by
`Task.judge`). One class may be both.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

from zoo.blocks import Report
from zoo.metrics.classification import ClassificationMetrics, confusion_of, report_of_confusion
from zoo.metrics.loss import LOSSES, NO_MEASURE, SHARES, SMALLER_IS_BETTER, WITH_UNIT, MeanLoss, finite

if TYPE_CHECKING:
    from zoo.metrics.detection import DetectionMetrics
    from zoo.metrics.label_sets import LabelSetMetrics
    from zoo.metrics.regression import RegressionMetrics
    from zoo.metrics.segmentation import SegmentationMetrics
    from zoo.metrics.tagging import SpanMetrics
    from zoo.metrics.transcripts import TranscriptMetrics

__all__ = [
    "LOSSES",
    "NO_MEASURE",
    "SHARES",
    "SMALLER_IS_BETTER",
    "WITH_UNIT",
    "ClassificationMetrics",
    "DetectionMetrics",
    "Judge",
    "LabelSetMetrics",
    "MeanLoss",
    "Metrics",
    "RegressionMetrics",
    "SegmentationMetrics",
    "SpanMetrics",
    "TranscriptMetrics",
    "confusion_of",
    "detailed_report_of",
    "figure_of",
    "finite",
    "primary_figure",
    "primary_first",
    "report_of",
    "report_of_confusion",
]


_LATER = {
    "DetectionMetrics": "zoo.metrics.detection",
    "LabelSetMetrics": "zoo.metrics.label_sets",
    "RegressionMetrics": "zoo.metrics.regression",
    "SegmentationMetrics": "zoo.metrics.segmentation",
    "SpanMetrics": "zoo.metrics.tagging",
    "TranscriptMetrics": "zoo.metrics.transcripts",
}
"""What no list of runs or models needs."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'zoo.metrics' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


class Metrics(Protocol):
    """What an evaluation accumulates."""

    def merge(self, other: Self) -> None:
        """Take in what another process saw."""
        ...

    def compute(self) -> dict[str, float]:
        """The figures over everything seen; empty where nothing was."""
        ...


class Judge(Protocol):
    """What an evaluation of a task accumulates: figures over answers beside what the data says.

    It may have more methods: `figure(name)`, which computes one figure alone where all take long (see `figure_of`);
    `intervals()`, which gives a `zoo.metrics.intervals.Interval` for each figure that has one, by its name, and which
    `Metrics` may have, too; `detailed_report()`, asked for at the end of an evaluation in the place of `report()`; and
    `FIGURES`, the names of all figures that it may give, so that a figure asked for is known not to be one before
    anything is trained.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Begin.

        Args:
            labels: what the model distinguishes; empty where it has none.
        """

    def add(self, target: Any, answer: Any) -> None:
        """Count one example.

        Args:
            target: what the data says, as the kind of the task's target reads it.
            answer: of the model, of the task's type; an input that was rejected is not counted.
        """
        ...

    def merge(self, other: Self) -> None:
        """Take in what another process saw."""
        ...

    def compute(self) -> dict[str, float]:
        """The figures over everything seen, the task's primary metric among them; empty where nothing was."""
        ...

    def report(self) -> Report:
        """The blocks that belong to the figures; empty where they say it all."""
        ...


def primary_figure(metrics: Mapping[str, float]) -> tuple[str, float] | None:
    """The most important figure: wherever metrics are kept, the primary metric of their task comes first."""
    return next(iter(metrics.items()), None)


def primary_first(metrics: Mapping[str, float], primary: str) -> dict[str, float]:
    """The same metrics, the primary one first where it is among them."""
    return {name: metrics[name] for name in (primary, *metrics) if name in metrics}


def figure_of(judge: Judge, name: str) -> float:
    """One figure over everything seen; not a number where there is none.

    Args:
        judge: asked for that one alone where it has a method `figure(name)`.
        name: of the figure.
    """
    alone: Any = getattr(judge, "figure", None)
    return judge.compute().get(name, math.nan) if alone is None else float(alone(name))


def report_of(metrics: Metrics) -> Report:
    """What metrics report beside their figures; empty for those that have no `report`."""
    report: Any = getattr(metrics, "report", None)
    return () if report is None else report()


def detailed_report_of(judge: Judge) -> Report:
    """What a judge reports at the end of an evaluation; what is drawn or sorted for it, where numpy is there."""
    from zoo.metrics.intervals import can_draw

    detailed: Any = getattr(judge, "detailed_report", None)
    return judge.report() if detailed is None or not can_draw() else detailed()
