"""The end of a picking: one of the finalists is taken by the rows that choose, and judged by the test rows once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zoo.blocks import Paragraph
from zoo.pick_options import FLOOR
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.events import EvaluationCompleted, RunFinished
from zoo.runs.paired_figure import FEWEST_ROWS, Judged
from zoo.runs.picking.entrant import Trained
from zoo.runs.picking.field import Field
from zoo.runs.picking.publishing import publish_picked
from zoo.runs.picking.rows import PickRows
from zoo.runs.picking.scoring import Scoring
from zoo.runs.picking.verdict import Verdict, judge_finalists
from zoo.tasks.task import Task


class Final:
    """Finalists that have learnt all rows, held against one another.

    Args:
        worker: of the run.
        task: that they have learnt.
        rows: of the run.
        field: the finalists, and what is known of all.
        scoring: by which they are held against one another.
        ties: which is taken of those that no test tells apart, as in `PickOptions`.
    """

    def __init__(self, worker: Worker, task: Task, rows: PickRows, field: Field, scoring: Scoring, ties: str) -> None:
        self._worker, self._task, self._rows = worker, task, rows
        self._field, self._scoring, self._ties = field, scoring, ties

    def conclude(
        self,
        results: Mapping[str, Trained],
        validation: Mapping[str, Sequence[Any]],
        test: Mapping[str, Sequence[Any]],
    ) -> RunFinished:
        """Take one, and publish it.

        Args:
            results: what each has learnt, by name.
            validation: its answers to the rows that choose, and those of the floor.
            test: likewise to those of the test.
        """
        judged = self._scoring.by_all(self._rows.data.eval, validation)
        verdict = self._verdict(judged)
        tested = self._scoring.by_all(self._rows.test, test)
        for name, of in judged.items():
            self._report(name, of, tested[name], verdict)
        chosen = verdict.chosen
        judge = self._scoring.judge(tested[chosen])
        metrics, intervals = judge.figures(), judge.intervals()
        words = self._words(verdict, self._scoring.figure(tested[chosen]).metric)
        table = tuple(self._field.candidates.values())
        publish_picked(self._worker, results[chosen], chosen, metrics, intervals, words, table)
        self._worker.emit(EvaluationCompleted(step=0, metrics=metrics, rows=len(tested[chosen])))
        report = (Paragraph(text=words, tone="strong"), *judge.report())
        return RunFinished(metrics=metrics, intervals=intervals, report=report, labels=self._rows.data.labels)

    def _verdict(self, judged: Mapping[str, list[Judged]]) -> Verdict:
        """What the tests come to, with warnings where they tell little or the floor is as good."""
        rows = next(iter(judged.values()))
        figure = self._scoring.figure(rows)
        if len(rows) < FEWEST_ROWS and figure.of(rows).right is None:
            self._field.warn(
                f"{counted(len(rows), 'row')} choose, fewer than {FEWEST_ROWS}: of {figure.metric}, whose intervals "
                "are found by drawing rows anew, they tell little"
            )
        sizes = {one.name: self._field.candidates[one.name].size_bytes for one in self._field}
        verdict = judge_finalists(judged, sizes, figure, self._ties)
        floor = verdict.beside.get(FLOOR)
        if floor is not None and (floor.tied or floor.drop < 0):
            self._field.warn(
                f"no network is better than the floor, a linear model of {self._task.input.plainly}, as far as these "
                "rows can tell"
            )
        return verdict

    def _report(self, name: str, judged: list[Judged], tested: list[Judged], verdict: Verdict) -> None:
        figures, test = self._scoring.of(judged), self._scoring.of(tested)
        if beside := verdict.beside.get(name):
            figures |= {"drop": beside.drop, "low": beside.low, "high": beside.high}
            figures["p"] = None if math.isnan(beside.p) else beside.p
        candidate = self._field.candidates[name]
        self._field.report(
            msgspec.structs.replace(
                candidate,
                **figures,
                test=test["figure"],
                test_interval=test["interval"],
                chosen=name == verdict.chosen,
                reason=candidate.reason if name in (FLOOR, verdict.chosen) else _why_not(verdict, name),
            )
        )

    def _words(self, verdict: Verdict, metric: str) -> str:
        """What the tests come to, in a sentence."""
        on = f"by {metric} on {counted(len(self._rows.data.eval), 'row')} that chose"
        tied = [name for name in verdict.tied if name != FLOOR]
        if not tied:
            return f"{verdict.chosen} is taken: it is the best {on}"
        names = f"{', '.join([verdict.best, *tied[:-1]])} and {tied[-1]}"
        how = "the smaller" if self._ties == "smaller" else "the best"
        return f"{names} are tied {on}: no test tells them apart; {how} is taken, {verdict.chosen}"


def _why_not(verdict: Verdict, name: str) -> str:
    """Why a finalist is not taken."""
    beside = verdict.beside.get(name)
    if beside is None:
        return "as good as what is taken, but larger"
    return "tied, not taken" if beside.tied else "worse"
