"""The figures of a model on some rows, and how sure they are."""

from __future__ import annotations

import math
from typing import Any

from zoo.comparison.result import Figure
from zoo.metrics import NO_MEASURE, primary_first
from zoo.metrics.intervals import Interval, bounds, can_draw, resampled_intervals, wilson_interval
from zoo.runs.judging import CheckedJudge
from zoo.runs.paired_figure import AnsweredRows, PairedFigure


def figures_of(judge: CheckedJudge, rows: AnsweredRows, figure: PairedFigure) -> dict[str, Figure]:
    """All figures, that of the comparison first; a judge that does not know how sure it is has one interval, of that.

    Args:
        judge: that has counted the rows, held to the contract.
        rows: as the model answered them.
        figure: of the comparison.
    """
    intervals: dict[str, Interval | None] = {**judge.intervals()}
    values = {name: value for name, value in judge.figures().items() if name not in NO_MEASURE}
    values[figure.metric] = rows.figure
    if not math.isfinite(rows.figure):
        intervals[figure.metric] = None
    elif figure.metric not in intervals:
        right = rows.right
        intervals[figure.metric] = wilson_interval(sum(right), len(right)) if right else drawn_interval(rows, figure)
    return {
        name: Figure(value if math.isfinite(value) else None, *bounds(intervals.get(name)))
        for name, value in primary_first(values, figure.metric).items()
    }


def drawn_interval(rows: AnsweredRows, figure: PairedFigure) -> Interval | None:
    """By drawing rows anew; None where that says nothing."""
    if not can_draw():
        return None
    import numpy as np

    judged, draws, tell = rows.judged, figure.draws(rows, 1), figure.telling()
    values: list[float] = []

    def of_draws(times: Any) -> Any:
        for drawn in times:
            tell(len(values), draws)
            values.append(
                figure.value([row for row, count in zip(judged, drawn, strict=True) for _ in range(int(count))])
            )
        return np.array(values[-len(times) :])[:, None]

    (interval,) = resampled_intervals(len(judged), of_draws, draws=draws)
    return interval
