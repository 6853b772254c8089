"""The figure that a person chooses to decide by."""

from __future__ import annotations

from collections.abc import Collection

from zoo.errors import NoSuchFigure
from zoo.metrics.loss import NO_MEASURE
from zoo.suggestions import did_you_mean


def check_metric(metric: str, figures: Collection[str], task: str) -> None:
    """Insist on a figure that says how good answers are.

    Args:
        metric: as it is asked for; empty for none in particular.
        figures: that there are; none where that is not known yet.
        task: whose answers they judge.

    Raises:
        NoSuchFigure: it is none of them.
    """
    measures = [name for name in figures if name not in NO_MEASURE]
    if metric in NO_MEASURE:
        raise NoSuchFigure(
            f"--metric is {metric}, which does not say how good answers are",
            f"name one of {', '.join(measures)}" if measures else "name another one",
        )
    if metric and measures and metric not in measures:
        raise NoSuchFigure(
            f"--metric is {metric!r}, but answers to {task} are judged by {', '.join(measures)}",
            did_you_mean(metric, measures, "name one of these"),
        )
