"""Whether a smaller model answers as well as the one it was made of: a paired interval of the drop decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from zoo.enough_rows import check_drop
from zoo.errors import DatasetInvalid
from zoo.metrics.paired import Difference, least_bound
from zoo.plurals import counted
from zoo.runs.paired_figure import FEWEST_ROWS, AnsweredRows, Judged, PairedFigure
from zoo.runs.shrinking.measuring import check_stop
from zoo.tasks.task import Task

__all__ = ["FEWEST_ROWS", "Drop", "Gate", "Judged"]


class Drop(NamedTuple):
    """Of a figure, above 0 where it is worse."""

    figure: float
    """Of the smaller model."""
    drop: float
    low: float
    """Of the 95% interval of the drop."""
    high: float


class Gate:
    """Holds the answers of smaller models against those of the model that they were made of, row by row.

    Args:
        task: of the answers.
        labels: what the models tell apart.
        metric: the figure that must not drop; empty for that of the task.
        max_drop: the most that it may.
        judged: the rows, with the answers of the model as it is.
        should_stop: asked before each figure, of which hundreds may be found.
        note: told where that takes long.

    Raises:
        OptionInvalid: there is no such figure, or it is no measure of answers.
        DatasetInvalid: so few rows cannot show a drop so small.
    """

    def __init__(
        self,
        task: Task,
        labels: Sequence[str],
        metric: str,
        max_drop: float,
        judged: Sequence[Judged],
        should_stop: Callable[[], bool] = lambda: False,
        note: Callable[[str], None] = lambda message: None,
    ) -> None:
        self._max_drop = max_drop
        self._of = PairedFigure(task, labels, metric, judged, partial(check_stop, should_stop), note)
        self._original = self._of.of(judged)
        self.metric, self.figure = self._of.metric, self._original.figure
        self._check_rows()

    def drop(self, judged: Sequence[Judged]) -> Drop:
        """How much worse the same rows are answered.

        Raises:
            Stopped: somebody asked for it.
        """
        first, second, low, high, _ = self._difference(self._of.of(judged))
        if self._of.larger_is_better:
            return Drop(second, first - second, low, high)
        return Drop(second, second - first, -high, -low)

    def passes(self, drop: Drop) -> bool:
        """Whether the whole interval is within what is allowed; what has no interval is not."""
        return drop.high <= self._max_drop

    def _difference(self, smaller: AnsweredRows) -> Difference:
        """With the interval of a share, if it was found by drawing rows anew, never surer than the rows can make it."""
        difference = self._of.difference(self._original, smaller)
        of_rows = self._original.right is not None and smaller.right is not None
        if of_rows or not self._of.is_share(difference.first, difference.second):
            return difference
        bound = least_bound(len(smaller.judged))
        return difference._replace(low=min(difference.low, -bound), high=max(difference.high, bound))

    def _check_rows(self) -> None:
        """Insist on enough rows for the drop that is allowed."""
        rows, allowed = len(self._original.judged), self._max_drop
        if not self._of.is_share(self.figure):
            if rows < FEWEST_ROWS:
                raise DatasetInvalid(
                    f"{counted(rows, 'row')} cannot show a drop of {self.metric}", f"give at least {FEWEST_ROWS}"
                )
            return
        check_drop(rows, self.metric, allowed)
