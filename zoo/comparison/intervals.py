"""The figures of a model on some rows, and how sure they are."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from zoo.comparison.result import Figure
from zoo.metrics import NO_MEASURE, primary_first
from zoo.metrics.intervals import CONFIDENCE, Interval, bounds, wilson_interval
from zoo.metrics.paired import SEED
from zoo.runs.judging import CheckedJudge
from zoo.runs.paired_figure import AnsweredRows, PairedFigure


def figures_of(judge: CheckedJudge, rows: AnsweredRows, figure: PairedFigure) -> dict[str, Figure]:
    """All figures, that of the comparison first; a judge that does not know how sure it is has one interval, of that.

    Args:
        judge: that has counted the rows, held to the contract.
        rows: as the model answered them.
        figure: of the comparison.
    """
    intervals: dict[str, Interval | Figure | None] = {**judge.intervals()}
    values = {name: value for name, value in judge.figures().items() if name not in NO_MEASURE}
    values[figure.metric] = rows.figure
    if figure.metric not in intervals:
        intervals[figure.metric] = wilson(rows.right) if rows.right else drawn_interval(rows, figure)
    return {
        name: Figure(value, one.low, one.high) if (one := intervals.get(name)) else Figure(value)
        for name, value in primary_first(values, figure.metric).items()
    }


def wilson(right: Sequence[bool]) -> Figure:
    """The share of rows that are right, with the score interval of Wilson (1927)."""
    return Figure(sum(right) / len(right), *bounds(wilson_interval(sum(right), len(right))))


def drawn_interval(rows: AnsweredRows, figure: PairedFigure) -> Figure | None:
    """The percentile bootstrap (Efron 1979) of the figure; None where no draw of the rows has one."""
    draw, judged = random.Random(SEED), rows.judged  # noqa: S311  (statistics)
    draws, tell, values = figure.draws(rows, 1), figure.telling(), []
    for done in range(draws):
        tell(done, draws)
        values.append(figure.value(draw.choices(judged, k=len(judged))))
    values = sorted(filter(math.isfinite, values))
    tail = round((1 - CONFIDENCE) / 2 * (len(values) - 1))
    return Figure(rows.figure, values[tail], values[-1 - tail]) if values else None
