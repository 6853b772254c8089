"""The end of a picking, or of a sweep: one of those that learnt all rows is taken by the rows that choose, and judged
by the test rows once, where there are some.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zoo.blocks import Paragraph
from zoo.errors import DatasetInvalid
from zoo.pick_options import FLOOR
from zoo.plurals import counted, name_list
from zoo.runs.attempt import Worker
from zoo.runs.candidate import settings_in_words
from zoo.runs.events import EvaluationCompleted, RunFinished
from zoo.runs.paired_figure import FEWEST_ROWS, Judged
from zoo.runs.picking.entrant import Trained
from zoo.runs.picking.field import Field
from zoo.runs.picking.publishing import publish_picked
from zoo.runs.picking.rows import PickRows
from zoo.runs.picking.scoring import Scoring
from zoo.runs.picking.verdict import MOST_TESTED, Verdict, judge_finalists
from zoo.tasks.task import Task

DRAWS = "draws.json"
"""Among what is kept of those that take part: draws of the rows that choose."""
BEATEN = "another costs no more and does at least as well"
"""Why a trial cannot be taken, whatever tests say."""


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
        test: Mapping[str, Sequence[Any]] | None = None,
        costs: Mapping[str, float] | None = None,
    ) -> RunFinished:
        """Take one, and publish it; raises DatasetInvalid where no answers have the figure that decides.

        Args:
            results: what each that may be taken has learnt, by name.
            validation: answers of each to the rows that choose, and those of the floor.
            test: likewise to those of the test; None where there is none, and the rows that chose judge.
            costs: of those that may be taken, in the place of their sizes.
        """
        judged = self._scoring.by_all(self._rows.data.eval, validation)
        costs = costs or self._sizes()
        verdict = self._verdict(judged, costs)
        tested = judged if test is None else self._scoring.by_all(self._rows.test, test)
        for name, of in judged.items():
            self._report(name, of, None if test is None else tested[name], verdict, costs)
        chosen = verdict.chosen
        judge = self._scoring.judge(tested[chosen])
        metrics, intervals = judge.figures(), judge.intervals()
        words, chose = self._words(verdict, costs, self._scoring.figure(tested[chosen]).metric), test is None
        table = tuple(self._field.candidates.values())
        publish_picked(self._worker, results[chosen], chosen, metrics, intervals, words, table, chose=chose)
        self._worker.emit(EvaluationCompleted(step=0, metrics=metrics, rows=len(tested[chosen])))
        report = (Paragraph(text=words, tone="strong"), *judge.report())
        return RunFinished(metrics=metrics, intervals=intervals, report=report, labels=self._rows.data.labels)

    def _sizes(self) -> dict[str, float]:
        return {one.name: self._field.candidates[one.name].size_bytes for one in self._field}

    def _verdict(self, judged: Mapping[str, list[Judged]], costs: Mapping[str, float]) -> Verdict:
        """What the tests come to, with warnings where they tell little or the floor is as good.

        Raises:
            DatasetInvalid: no answers have the figure.
        """
        rows = next(iter(judged.values()))
        figure = self._scoring.figure(rows)
        if len(rows) < FEWEST_ROWS and figure.of(rows).right is None:
            self._field.warn(
                f"{counted(len(rows), 'row')} choose, fewer than {FEWEST_ROWS}: of {figure.metric}, whose intervals "
                "are found by drawing rows anew, they tell little"
            )
        verdict = judge_finalists(judged, costs, figure, self._ties, self._worker.folder.students_folder / DRAWS)
        if not math.isfinite(figure.of(judged[verdict.best]).figure):
            raise DatasetInvalid(
                f"no answers to the {counted(len(rows), 'row')} that choose have a figure {figure.metric}",
                "choose by another one: --metric",
            )
        if untested := len(judged) - len(verdict.beside) - 1:
            too_long, many = f"drawing rows anew for {figure.metric} takes too long", f"{MOST_TESTED} are better"
            self._field.note(
                f"{untested} that cannot be taken are not tested: {too_long if verdict.takes_long else many}"
            )
        floor = verdict.beside.get(FLOOR)
        if floor is not None and (floor.tied or floor.drop < 0):
            self._field.warn(
                f"no network is better than the floor, a linear model of {self._task.input.plainly}, as far as these "
                "rows can tell"
            )
        return verdict

    def _report(
        self,
        name: str,
        judged: list[Judged],
        tested: list[Judged] | None,
        verdict: Verdict,
        costs: Mapping[str, float],
    ) -> None:
        figures = self._scoring.of(judged)
        if tested is not None:
            test = self._scoring.of(tested)
            figures |= {"test": test["figure"], "test_interval": test["interval"]}
        if beside := verdict.beside.get(name):
            figures |= {"drop": beside.drop, "low": beside.low, "high": beside.high}
            figures["p"] = None if math.isnan(beside.p) else beside.p
        candidate = self._field.candidates[name]
        self._field.report(
            msgspec.structs.replace(
                candidate,
                **figures,
                chosen=name == verdict.chosen,
                reason=candidate.reason if name in (FLOOR, verdict.chosen) else self._why_not(verdict, name, costs),
            )
        )

    def _words(self, verdict: Verdict, costs: Mapping[str, float], metric: str) -> str:
        """What the tests come to, in a sentence."""
        on = f"by {metric} on {counted(len(self._rows.data.eval), 'row')} that chose"
        tied, beaten = ([name for name in verdict.tied if (name in costs) is taken] for taken in (True, False))
        if tied:
            names = f"{', '.join([verdict.best, *tied[:-1]])} and {tied[-1]}"
            words = f"{names} are tied {on}: no test tells them apart; the {self._ties} is taken"
            return f"{words}, {self._shown(verdict.chosen)}"
        words = f"{self._shown(verdict.chosen)} is taken: it is the best {on}"
        if beaten := [name for name in beaten if name != FLOOR]:
            words += f"; no test tells {name_list(tuple(beaten))} from it, but {BEATEN}"
        return words

    def _why_not(self, verdict: Verdict, name: str, costs: Mapping[str, float]) -> str:
        """Why a finalist is not taken."""
        beside = verdict.beside.get(name)
        if name != verdict.best and beside is None:
            return BEATEN
        if beside is not None and not beside.tied:
            return "worse" if beside.told_apart else "behind, beyond its interval"
        if name not in costs:
            return f"tied, but {BEATEN}"
        dearer = {"smaller": "larger", "cheaper": "dearer"}.get(self._ties, "not the best")
        return f"as good as what is taken, but {dearer}" if beside is None else f"tied, but {dearer}"

    def _shown(self, name: str) -> str:
        """A trial with what it was tried with; a model by its name."""
        settings = self._field.candidates[name].settings
        return f"{name} ({settings_in_words(settings)})" if settings else name
