"""One figure of what models answered to the same rows: of each model, of each row, and the difference of two models."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from zoo.errors import DatasetInvalid
from zoo.metrics import NO_MEASURE, SMALLER_IS_BETTER, WITH_UNIT, figure_of
from zoo.metrics.choice import check_metric
from zoo.metrics.intervals import FEWEST_RESAMPLES
from zoo.metrics.paired import Difference, draws_of, paired_difference, paired_shares
from zoo.runs.judging import CheckedJudge
from zoo.tasks.task import Task

FEWEST_ROWS = 50
"""Of a figure that is no share: an interval by drawing rows anew says nothing of fewer."""
MOST_SECONDS = 120.0
"""That drawing rows anew may take for one difference, as long as there are draws enough."""
TOLD_EVERY_S = 30.0
"""How far it is, where it takes so long."""

Judged = tuple[Any, Any]
"""What the data say of a row, and the answer."""


def larger_is_better(task: Task, metric: str) -> bool:
    """Whether larger figures are, of answers to a task."""
    return task.larger_is_better if metric == task.primary_metric else metric not in SMALLER_IS_BETTER


class PairedFigure:
    """A figure of the judge of a task.

    Args:
        task: of the answers.
        labels: what the models tell apart.
        metric: name of the figure; empty for that of the task.
        judged: the rows as one of the models answered them, which say what figures there are.
        before_each: called before each figure is found, of which there may be hundreds; may raise.
        note: told where that takes long.
        may_lack: whether these rows may lack the figure that is named, as answers of other models may have it.

    Raises:
        NoSuchFigure: there is no such figure, or it is no measure of answers.
        DatasetInvalid: these answers have none.
    """

    def __init__(
        self,
        task: Task,
        labels: Sequence[str],
        metric: str,
        judged: Sequence[Judged],
        before_each: Callable[[], None] = lambda: None,
        note: Callable[[str], None] = lambda message: None,
        may_lack: bool = False,
    ) -> None:
        self._task, self._labels = task, labels
        self._before_each, self._note = before_each, note
        judge = CheckedJudge(task, labels)
        for target, answer in judged:
            judge.add(target, answer)
        figures = {name: value for name, value in judge.figures().items() if name not in NO_MEASURE}
        self.metric = metric or next((name for name in (task.primary_metric, *figures) if name in figures), "")
        there = task.figures or (() if may_lack else dict.fromkeys((task.primary_metric, *figures)))
        check_metric(metric, there, task.name)
        if self.metric not in figures and not (metric and may_lack):
            has = f", but {', '.join(figures)}" if figures else ""
            raise DatasetInvalid(f"these answers have no {metric or 'figure'}{has}", "name another figure: --metric")
        self.larger_is_better = larger_is_better(task, self.metric)

    def check(self) -> None:
        """Raise where somebody asked for an end, as before each figure."""
        self._before_each()

    def of(self, judged: Sequence[Judged]) -> AnsweredRows:
        """The rows as one model answered them."""
        return AnsweredRows(judged, self.value)

    def value(self, judged: Sequence[Judged]) -> float:
        """The figure of some rows; not a number where they have none."""
        self._before_each()
        judge = self._task.new_judge(self._labels)
        for target, answer in judged:
            judge.add(target, answer)
        return figure_of(judge, self.metric)

    def is_share(self, *figures: float) -> bool:
        """Whether figures as these are between 0 and 1 by what they mean."""
        return self.metric not in WITH_UNIT and all(0 <= figure <= 1 for figure in figures)

    def difference(self, first: AnsweredRows, second: AnsweredRows) -> Difference:
        """Of two models, with a 95% interval and a test: of rows that are right or wrong, or by drawing rows anew."""
        if first.right is not None and second.right is not None:
            return paired_shares(first.right, second.right)
        draws = self.draws(second, 2)
        return paired_difference(first.judged, second.judged, self.value, resamples=draws, on_draw=self.telling())

    def draws(self, rows: AnsweredRows, figures: int) -> int:
        """How often rows are drawn anew for an interval: less often than usual, which is told, where that takes long.

        Args:
            rows: as a model answered them.
            figures: that are found for each draw.
        """
        begun = time.perf_counter()
        self.value(rows.judged)
        seconds = figures * (time.perf_counter() - begun)  # of one draw
        usual = draws_of(len(rows.judged))
        most = max(FEWEST_RESAMPLES, min(usual, math.floor(MOST_SECONDS / max(seconds, 1e-9))))
        if most < usual:
            self._note(
                f"the interval of {self.metric} is of {most} draws of the rows and not of {usual}: each takes "
                f"{seconds:.2g} s, all of them {most * seconds / 60:.0f} min"
            )
        return most

    def telling(self) -> Callable[[int, int], None]:
        """Says from time to time how many draws are done."""
        told = time.monotonic()

        def tell(done: int, draws: int) -> None:
            nonlocal told
            if time.monotonic() - told >= TOLD_EVERY_S:
                told = time.monotonic()
                self._note(f"{done} of {draws} draws for the interval of {self.metric} done")

        return tell


class AnsweredRows:
    """Rows as one model answered them, and a figure of them.

    Args:
        judged: the rows.
        value: the figure of some of them.
    """

    def __init__(self, judged: Sequence[Judged], value: Callable[[Sequence[Judged]], float]) -> None:
        self.judged, self._value = judged, value

    @cached_property
    def figure(self) -> float:
        """Of all of them."""
        return self._value(self.judged)

    @cached_property
    def of_each(self) -> tuple[float, ...]:
        """Of each row alone; not a number where one alone has none."""
        return tuple(self._value([one]) for one in self.judged)

    @cached_property
    def right(self) -> tuple[bool, ...] | None:
        """Whether each row is right; None where the figure is no share of rows that are."""
        if self._value(self.judged[:1]) not in (0, 1) or any(one not in (0, 1) for one in self.of_each):
            return None
        share = sum(self.of_each) / len(self.of_each)
        return tuple(one == 1 for one in self.of_each) if math.isclose(share, self.figure, abs_tol=1e-9) else None
