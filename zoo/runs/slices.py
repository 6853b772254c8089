"""Figures of parts of the data: of the rows that have the same value in a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.blocks import Cell, Table
from zoo.metrics.intervals import bounds
from zoo.runs.judging import CheckedJudge
from zoo.tasks.task import Task

MOST = 20
"""Values that have a line of their own, those with most rows; all others have one together."""
NO_VALUE, OTHERS = "(none)", "(all others)"


class Slices:
    """Counts answers by the value that their rows have in a column.

    Args:
        task: that names the judge.
        labels: what the model tells apart.
        column: of the data.
        values: of it, by the number of the row; rows without one are a part of their own.
    """

    def __init__(self, task: Task, labels: Sequence[str], column: str, values: Mapping[int, str]) -> None:
        self._task, self._labels, self._column, self._values = task, labels, column, values
        self._own_line = {value for value, _ in Counter(values.values()).most_common(MOST)}
        self._judges: dict[str, CheckedJudge] = {}
        self._rows: Counter[str] = Counter()

    def add(self, row: int, target: Any, answer: Any) -> None:
        """Count one example."""
        value = self._values.get(row, NO_VALUE)
        part = value if value in self._own_line or value == NO_VALUE else OTHERS
        if part not in self._judges:
            self._judges[part] = CheckedJudge(self._task, self._labels)
        self._judges[part].add(target, answer)
        self._rows[part] += 1

    def table(self) -> Table:
        """The primary metric of each part, with its 95% interval, the smallest part last."""
        metric = self._task.primary_metric
        parts = sorted(self._judges, key=lambda part: (part == OTHERS, -self._rows[part], part))
        return Table(
            title=f"By {self._column}",
            headers=(self._column, metric, "95% from", "to", "rows"),
            rows=tuple(self._line(part, metric) for part in parts),
        )

    def _line(self, part: str, metric: str) -> tuple[Cell, ...]:
        judge = self._judges[part]
        return (part, judge.figures().get(metric), *bounds(judge.intervals().get(metric)), self._rows[part])
