"""The figure that decides, of rows as models answered them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.errors import DatasetInvalid
from zoo.metrics.choice import check_metric
from zoo.plurals import counted
from zoo.runs.candidate import Candidate
from zoo.runs.judging import CheckedJudge
from zoo.runs.paired_figure import Judged, PairedFigure, larger_is_better
from zoo.tasks.task import Task


class Scoring:
    """Judges answers by one figure of a task.

    Args:
        task: of the answers.
        labels: what the models tell apart.
        metric: name of the figure; empty for that of the task.
        check: called where a figure takes long; may raise.
        note: told what a person may want to know.
    """

    def __init__(
        self,
        task: Task,
        labels: Sequence[str],
        metric: str,
        check: Callable[[], None],
        note: Callable[[str], None],
    ) -> None:
        self._task, self._labels, self._metric = task, labels, metric
        self._check, self._note = check, note
        self._figure: PairedFigure | None = None
        self._names: dict[str, None] = {task.primary_metric: None}
        """Of the figures that answers had."""

    def judge(self, judged: Sequence[Judged]) -> CheckedJudge:
        """That of the task, which has counted these rows."""
        judge = CheckedJudge(self._task, self._labels)
        for target, answer in judged:
            judge.add(target, answer)
        return judge

    def figure(self, judged: Sequence[Judged]) -> PairedFigure:
        """What finds the figure.

        Args:
            judged: rows that say which figures there are, where nothing was judged yet.

        Raises:
            NoSuchFigure: there is no such figure.
            DatasetInvalid: there are no rows, or they have none at all.
        """
        if not judged:
            raise DatasetInvalid("no row is answered", "zoo evaluate on each of the models says why")
        if self._figure is None:
            # That of the task even where the first that is judged lacks it, as answers that are all the same may.
            metric = self._metric or self._task.primary_metric
            self._figure = PairedFigure(
                self._task, self._labels, metric, judged, self._check, self._note, may_lack=True
            )
        return self._figure

    def of(self, judged: Sequence[Judged]) -> dict[str, Any]:
        """The figure with its interval, as a candidate has them; errors as for `figure`."""
        metric, judge = self.figure(judged).metric, self.judge(judged)
        figures = judge.figures()
        self._names |= dict.fromkeys(figures)
        interval, figure = judge.intervals().get(metric), figures.get(metric)
        if figure is None:
            self._note(f"these answers have no {metric}, and count as the worst")
        return {
            "metric": metric,
            "figure": figure,
            "interval": None if interval is None else (interval.low, interval.high),
        }

    def check(self, candidates: Iterable[Candidate]) -> None:
        """Insist on a figure that one of the first two has, where the judge does not say beforehand which there are.

        Args:
            candidates: what is known of those that were judged.

        Raises:
            NoSuchFigure: two have been, and none has it.
        """
        if self._task.figures or self._metric in ("", self._task.primary_metric):
            return
        judged = [one for one in candidates if one.metric == self._metric]
        if len({one.name for one in judged}) > 1 and all(one.figure is None for one in judged):
            check_metric(self._metric, self._names, self._task.name)

    @property
    def larger_is_better(self) -> bool:
        """Whether larger figures are."""
        if self._figure is None:  # nothing was judged in this process, as where all has been before
            return larger_is_better(self._task, self._metric or self._task.primary_metric)
        return self._figure.larger_is_better

    def by_all(self, examples: Sequence[Example], answers: Mapping[str, Sequence[Any]]) -> dict[str, list[Judged]]:
        """The rows that all models have answered, with the answers of each.

        Raises:
            DatasetInvalid: there are none.
        """
        kept = [not any(isinstance(one, Rejected) for one in of_row) for of_row in zip(*answers.values(), strict=True)]
        if not any(kept):
            raise DatasetInvalid(
                f"no row is answered by all of {', '.join(answers)}", "zoo evaluate on each of them says why"
            )
        if left_out := kept.count(False):
            self._note(f"{counted(left_out, 'row')} left out, which not all could answer")
        return {
            name: [(one.target, answer) for one, answer, is_kept in zip(examples, of, kept, strict=True) if is_kept]
            for name, of in answers.items()
        }


def answered(examples: Sequence[Example], answers: Sequence[Any]) -> list[Judged]:
    """The rows that were answered."""
    pairs = zip(examples, answers, strict=True)
    return [(one.target, answer) for one, answer in pairs if not isinstance(answer, Rejected)]
