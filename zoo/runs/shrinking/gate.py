"""Whether a smaller model answers as well as the one it was made of: a paired interval of the drop decides."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.metrics import NO_MEASURE, SMALLER_IS_BETTER, WITH_UNIT, figure_of
from zoo.metrics.paired import FEWEST, Difference, Z, draws_of, least_bound, paired_difference, paired_shares
from zoo.plurals import counted
from zoo.runs.judging import CheckedJudge
from zoo.runs.shrinking.measuring import Stopped
from zoo.suggestions import did_you_mean
from zoo.tasks.task import Task

FEWEST_ROWS = 50
"""Of a figure that is no share: an interval by drawing rows anew says nothing of fewer."""
MOST_SECONDS = 120.0
"""That drawing rows anew may take for one candidate, as long as there are draws enough."""
TOLD_EVERY_S = 30.0
"""How far it is, where it takes so long."""

Judged = tuple[Any, Any]
"""What the data say of a row, and the answer."""


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
        self._task, self._labels, self._max_drop, self._judged = task, labels, max_drop, judged
        self._should_stop, self._note = should_stop, note
        judge = CheckedJudge(task, labels)
        for target, answer in judged:
            judge.add(target, answer)
        figures = {name: value for name, value in judge.figures().items() if name not in NO_MEASURE}
        self.metric = metric or next((name for name in (task.primary_metric, *figures) if name in figures), "")
        names = ", ".join(figures)
        if metric in NO_MEASURE:
            raise OptionInvalid(
                f"--metric is {metric}, which does not say how good answers are", f"name one of {names}"
            )
        if self.metric not in figures:
            raise OptionInvalid(
                f"--metric is {metric!r}, but these answers have {names}", did_you_mean(metric, figures, "name one")
            )
        self.figure = figures[self.metric]
        is_primary = self.metric == task.primary_metric
        self._sign = -1 if (not task.larger_is_better if is_primary else self.metric in SMALLER_IS_BETTER) else 1
        self._right = self._rows_right(judged)
        self._check_rows()

    def drop(self, judged: Sequence[Judged]) -> Drop:
        """How much worse the same rows are answered.

        Raises:
            Stopped: somebody asked for it.
        """
        right = None if self._right is None else self._rows_right(judged)
        if self._right is not None and right is not None:
            first, second, low, high = paired_shares(self._right, right)
        else:
            first, second, low, high = self._difference(judged)
        if self._sign < 0:
            low, high = -high, -low
        return Drop(second, self._sign * (first - second), low, high)

    def passes(self, drop: Drop) -> bool:
        """Whether the whole interval is within what is allowed; what has no interval is not."""
        return drop.high <= self._max_drop

    def _difference(self, judged: Sequence[Judged]) -> Difference:
        """By drawing rows anew; of a figure between 0 and 1 never surer than so many rows can make it."""
        begun = time.perf_counter()
        self._figure(judged)
        seconds = 2 * (time.perf_counter() - begun)  # of one draw
        usual = draws_of(len(judged))
        most = max(FEWEST, min(usual, math.floor(MOST_SECONDS / max(seconds, 1e-9))))
        if most < usual:
            self._note(
                f"the interval of {self.metric} is of {most} draws of the rows and not of {usual}: each takes "
                f"{seconds:.2g} s, all of them {most * seconds / 60:.0f} min"
            )
        drawn = paired_difference(self._judged, judged, self._figure, resamples=most, on_draw=self._telling())
        if not self._is_share(*drawn[:2]):
            return drawn
        bound = least_bound(len(judged))
        return drawn._replace(low=min(drawn.low, -bound), high=max(drawn.high, bound))

    def _telling(self) -> Callable[[int, int], None]:
        """Says from time to time how many draws are done."""
        told = time.monotonic()

        def tell(done: int, draws: int) -> None:
            nonlocal told
            if time.monotonic() - told >= TOLD_EVERY_S:
                told = time.monotonic()
                self._note(f"{done} of {draws} draws for the interval of {self.metric} done")

        return tell

    def _rows_right(self, judged: Sequence[Judged]) -> list[bool] | None:
        """Whether each row is right; None where the figure is no share of rows that are."""
        right = []
        for one in judged:
            figure = self._figure([one])
            if figure not in (0, 1):
                return None
            right.append(figure == 1)
        share = sum(right) / len(right)
        return right if math.isclose(share, self._figure(judged), abs_tol=1e-9) else None

    def _check_rows(self) -> None:
        """Insist on enough rows for the drop that is allowed."""
        rows, allowed = len(self._judged), self._max_drop
        if not self._is_share(self.figure):
            if rows < FEWEST_ROWS:
                raise DatasetInvalid(
                    f"{counted(rows, 'row')} cannot show a drop of {self.metric}", f"give at least {FEWEST_ROWS}"
                )
            return
        bound = least_bound(rows)
        if bound > allowed:
            needed = math.ceil(Z**2 * (1 - allowed) / allowed)
            raise DatasetInvalid(
                f"{counted(rows, 'row')} cannot show that {self.metric} drops by {allowed:g} at most: even if no "
                f"answer were worse, the 95% interval would reach to {bound:.3f}",
                f"give at least {needed:,} rows, or --max-drop {math.ceil(1000 * bound) / 1000:g}",
            )

    def _is_share(self, *figures: float) -> bool:
        return self.metric not in WITH_UNIT and all(0 <= figure <= 1 for figure in figures)

    def _figure(self, judged: Sequence[Judged]) -> float:
        if self._should_stop():
            raise Stopped
        judge = self._task.new_judge(self._labels)
        for target, answer in judged:
            judge.add(target, answer)
        return figure_of(judge, self.metric)
