"""Cross-validation: as many models as folds learn beside the result, and each row is judged by the one that has not
seen it (Stone 1974, doi:10.1111/j.2517-6161.1974.tb00994.x). The result itself learns as it would without.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from zoo.blocks import Cell, Report, Table
from zoo.card import Card
from zoo.data import Dataset
from zoo.data.example import Columns, Example
from zoo.enough_rows import check_folds_filled
from zoo.metrics.intervals import Interval, interval_text
from zoo.plugins import Plugin
from zoo.runs.attempt import Worker
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.dealing import dealt
from zoo.runs.events import PredictionsWritten
from zoo.runs.judging import CheckedJudge
from zoo.runs.kept_parts import FOLDS
from zoo.runs.trial_model import TrialModel, warn_of_learnt

ALL = "all"
"""The row of the table that has all folds together."""


class PooledFigures(NamedTuple):
    """What all rows come to, each judged by a model that has not seen it."""

    metrics: dict[str, float]
    """By their names with `folds_` before."""
    intervals: dict[str, Interval]
    """Likewise."""
    report: Report
    """A table of the folds."""


class Folds:
    """The models beside the result of a run.

    Args:
        worker: of the run.
        plugin: that trains.
        card: of the model that all begin from.
        run: as the plugin is given it; its rows and those it holds out are divided.
        columns: of the data, by role.

    Raises:
        DatasetInvalid: there are too few rows.
    """

    def __init__(self, worker: Worker, plugin: Plugin, card: Card, run: TrainingRun, columns: Columns) -> None:
        self._worker, self._plugin, self._card, self._run = worker, plugin, card, run
        self._columns = columns
        self.count: int = run.options.folds
        self._rows = sorted((*run.train, *run.eval), key=lambda example: example.row)
        warn_of_learnt(worker, card, self._rows)
        self._numbers = self._dealt()
        check_folds_filled(len(set(self._numbers)), len(self._rows), self.count)

    def figures(self) -> PooledFigures:
        """Train one model after the other, or go on with it, and let each judge the rows of its fold.

        Raises:
            RunCancelled: somebody asked for it.
        """
        for fold in range(self.count):
            self._model(fold).train(self._learnt(fold))
        task, labels = self._run.task, self._run.labels
        pooled, rows, done, judged = CheckedJudge(task, labels), list[tuple[Cell, ...]](), 0, 0
        for fold in range(self.count):
            asked, judge, answered = self._judged(fold), CheckedJudge(task, labels), 0
            for example, answer in self._model(fold).answers(asked):
                judge.add(example.target, answer)
                pooled.add(example.target, answer)
                answered += 1
            done, judged = done + len(asked), judged + answered
            told = PredictionsWritten(rows=done, rejected=done - judged, total_rows=len(self._rows))
            self._worker.emit(told)
            rows.append((str(fold + 1), len(self._learnt(fold)), answered, *_cells(judge, task.primary_metric)))
        rows.append((ALL, None, judged, *_cells(pooled, task.primary_metric)))
        table = Table(
            title="Folds",
            headers=("fold", "learnt from", "judged", task.primary_metric, "95% interval"),
            rows=tuple(rows),
        )
        return PooledFigures(
            {f"folds_{name}": value for name, value in pooled.figures().items()},
            {f"folds_{name}": one for name, one in pooled.intervals().items()},
            (table,),
        )

    def _model(self, fold: int) -> TrialModel:
        folder, name = self._worker.folder.path / FOLDS / str(fold + 1), f"fold {fold + 1} of {self.count}"
        return TrialModel(self._worker, self._plugin, self._card, self._run, folder, name)

    def _dealt(self) -> list[int]:
        """The fold of each row."""
        path, target = self._worker.request.data.path, self._run.task.target
        dataset = Dataset(path=path, examples=tuple(self._rows), columns=self._columns, target=target)
        return dealt(self._worker, self._run.task, dataset, self._rows, self.count, self._run.options.seed)

    def _learnt(self, fold: int) -> list[Example]:
        return [row for row, number in zip(self._rows, self._numbers, strict=True) if number != fold]

    def _judged(self, fold: int) -> list[Example]:
        return [row for row, number in zip(self._rows, self._numbers, strict=True) if number == fold]


def folds_of(worker: Worker, plugin: Plugin, card: Card, run: TrainingRun, columns: Columns) -> Folds | None:
    """The models beside the result; none where nobody asked for them, and in a dry run, which deals the rows only.

    Arguments and errors are those of `Folds`.
    """
    if not getattr(run.options, "folds", 0):
        return None
    folds = Folds(worker, plugin, card, run, columns)
    return None if run.dry_run else folds


def with_folds(result: FitResult, figures: PooledFigures) -> FitResult:
    """How a fit ended, and what its folds came to."""
    return dataclasses.replace(
        result,
        metrics={**result.metrics, **figures.metrics},
        intervals={**result.intervals, **figures.intervals},
        report=(*figures.report, *result.report),
    )


def _cells(judge: CheckedJudge, metric: str) -> tuple[Cell, Cell]:
    """A figure and its interval."""
    value = judge.figures().get(metric)
    return None if value is None else round(value, 4), interval_text(judge.intervals().get(metric))
