"""From names of runs to a comparison: who they are, the same rows for all, answers, tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

from zoo.answers import Prediction, Rejected, TruncationCount
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.comparison.answering import Listener, answers_of
from zoo.comparison.costs import cost_of
from zoo.comparison.intervals import figures_of
from zoo.comparison.result import ComparedModel, Comparison, DifferingRow, Figure, PairTest
from zoo.comparison.rows import JudgedModel, NotTheSame, RowKey, no_rows, on_given_rows, on_own_rows
from zoo.comparison.settings import differing_settings
from zoo.comparison.subjects import Subject, find_subjects
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.file_cache import read_once
from zoo.jobs import Place
from zoo.metrics.choice import check_metric
from zoo.metrics.intervals import bounds
from zoo.plurals import counted
from zoo.runs.judging import CheckedJudge
from zoo.runs.paired_figure import FEWEST_ROWS, AnsweredRows, PairedFigure
from zoo.runs.paired_tests import PairedTests
from zoo.runs.request import HOLDING_OUT
from zoo.runs.trained_on import count_trained_on
from zoo.sources import Source

NOT_ASKED = "they have not been asked for the same rows yet"
"""Why there is no test where only records are compared."""


@read_once()
def compare_models(
    names: Sequence[str],
    *,
    source: Source | None = None,
    task: str = "",
    metric: str = "",
    place: Place | None = None,
    catalog: Catalog | None = None,
    listener: Listener | None = None,
) -> Comparison:
    """Hold runs and models against one another.

    Args:
        names: of runs, heads of runs, or models; two or more.
        source: the rows that all answer; without it those that all were judged on, if they are the same.
        task: what the models answer; needed only where one knows several.
        metric: the figure that is tested; that of the task if not given.
        place: where models answer.
        catalog: all models, where they are loaded already.
        listener: told how it goes.

    Raises:
        ZooError: a name stands for nothing, the data cannot serve, or a model cannot answer.
    """
    catalog, listener, place = catalog or Catalog.load(), listener or Listener(), place or Place()
    subjects = find_subjects(names, catalog)
    try:
        if source is not None:
            models = on_given_rows(subjects, source, task, place, catalog)
        else:
            models = on_own_rows(subjects, place, catalog)
    except NotTheSame as reason:
        return _as_recorded(subjects, metric, catalog, str(reason))
    return _Tested(models, metric, listener).comparison()


@read_once()
def compare_records(names: Sequence[str], *, catalog: Catalog | None = None) -> Comparison:
    """Hold what runs have recorded against one another; no model answers, so that it takes a moment.

    Args:
        names: as for `compare_models`.
        catalog: all models, where they are loaded already.

    Returns:
        `untested` says why there can be no test, or `NOT_ASKED` where that is still to be seen.

    Raises:
        ZooError: a name stands for nothing.
    """
    catalog = catalog or Catalog.load()
    subjects = find_subjects(names, catalog)
    reason = next(filter(None, map(no_rows, subjects)), NOT_ASKED)
    return _as_recorded(subjects, "", catalog, reason)


def _as_recorded(subjects: Sequence[Subject], metric: str, catalog: Catalog, reason: str) -> Comparison:
    """What runs have recorded, where they cannot be held against the same rows."""
    recorded = [_recorded(one) for one in subjects]
    names = dict.fromkeys(name for metrics in recorded for name in metrics)
    if metric and metric not in names:
        raise OptionInvalid(f"--metric is {metric!r}, but these runs have {', '.join(names) or 'no figures'}", "")
    return Comparison(
        models=tuple(
            _model(subject, _card_of(subject.model, catalog), metrics)
            for subject, metrics in zip(subjects, recorded, strict=True)
        ),
        metric=metric,
        untested=reason,
        settings=differing_settings(subjects),
    )


def _recorded(subject: Subject) -> dict[str, Figure]:
    """The figures of a run, with their intervals where it ended with them."""
    s = subject.snapshot
    if s is None:
        return {}
    intervals = s.intervals if s.metrics else {}
    return {name: Figure(value, *bounds(intervals.get(name))) for name, value in s.latest_metrics.items()}


def _model(subject: Subject, card: Card | None, metrics: dict[str, Figure], *, trained_on: int = 0) -> ComparedModel:
    return ComparedModel(
        name=subject.name,
        model=subject.model,
        verb=subject.request.verb if subject.request else "",
        status=subject.snapshot.status if subject.snapshot else "",
        metrics=metrics,
        judged_on=_judged_on(subject),
        trained_on=trained_on,
        cost=cost_of(subject, card),
    )


def _judged_on(subject: Subject) -> str:
    """Where the recorded figures of a run are from."""
    if subject.request is None or subject.snapshot is None:
        return ""
    data, rows = subject.request.data, subject.snapshot.eval_rows
    held_out = subject.request.verb in HOLDING_OUT and not data.eval_path
    how = counted(rows, "row") + (" held out of" if held_out else " of") if rows else "rows of"
    return f"{how} {data.eval_path or data.path}"


def _card_of(model: str, catalog: Catalog) -> Card | None:
    return next((card for card in catalog.cards if card.full_name == model), None)


class _Tested:
    """Models that answer the same rows.

    Args:
        models: with the rows of each.
        metric: the figure that is tested; empty for that of the task.
        listener: told how it goes.

    Raises:
        NoSuchFigure: there is no such figure.
        DatasetInvalid: no row is answered by all.
    """

    def __init__(self, models: Sequence[JudgedModel], metric: str, listener: Listener) -> None:
        self._models, self._listener, self._notes = models, listener, list[str]()
        first = models[0]
        check_metric(metric, first.task.figures, first.task.name)
        keys = [key for key in first.examples if all(key in other.examples for other in models)]
        self._note_left_out(len({key for model in models for key in model.examples}) - len(keys), "read for")
        answers = [self._answers(model, keys) for model in models]
        answered = [not any(isinstance(one, Rejected) for one in of_row) for of_row in zip(*answers, strict=True)]
        if not any(answered):
            raise DatasetInvalid(
                f"{first.request.data.path}: no row is answered by all of "
                f"{', '.join(model.subject.name for model in models)}",
                "zoo evaluate on each of them says why",
            )
        self._note_left_out(answered.count(False), "answered by")
        self._keys = [key for key, is_answered in zip(keys, answered, strict=True) if is_answered]
        self._answers_of = [[one for one, kept in zip(of, answered, strict=True) if kept] for of in answers]
        labels = first.labels
        if any(set(other.labels) != set(labels) for other in models):
            labels = tuple(dict.fromkeys(label for model in models for label in model.labels))
        self._labels = labels
        judged = [
            [(example.target, answer) for example, answer in zip(model.of_rows(self._keys), of, strict=True)]
            for model, of in zip(models, self._answers_of, strict=True)
        ]
        self._figure = PairedFigure(first.task, labels, metric, judged[0], note=listener.note)
        self._rows: list[AnsweredRows] = list(map(self._figure.of, judged))

    def comparison(self) -> Comparison:
        """Figures, tests, rows."""
        first = self._models[0]
        rows = len(self._keys)
        if rows < FEWEST_ROWS and any(one.right is None for one in self._rows):
            few = f"a bootstrap of {counted(rows, 'row')}"
            self._notes.append(f"{few} is surer than it should be: give {FEWEST_ROWS} or more")
        return Comparison(
            models=tuple(map(self._compared, self._models, self._rows)),
            task=first.task.name,
            metric=self._figure.metric,
            larger_is_better=self._figure.larger_is_better,
            rows=rows,
            data=first.request.data.path,
            pairs=self._pairs(),
            differing=self._differing(),
            settings=differing_settings([model.subject for model in self._models]),
            notes=tuple(self._notes),
        )

    def _note_left_out(self, rows: int, how: str) -> None:
        if rows:
            self._notes.append(f"{counted(rows, 'row')} left out, which could not be {how} all")

    def _answers(self, model: JudgedModel, keys: Sequence[RowKey]) -> Sequence[Prediction]:
        answers, truncation = answers_of(model, model.of_rows(keys), self._listener), TruncationCount()
        truncation.add(answers)
        if truncation.message:
            self._notes.append(f"{model.subject.name}: {truncation.message}")
        return answers

    def _compared(self, model: JudgedModel, rows: AnsweredRows) -> ComparedModel:
        judge = CheckedJudge(model.task, self._labels)
        for target, answer in rows.judged:
            judge.add(target, answer)
        learnt = count_trained_on(model.card.name, model.of_rows(self._keys))
        if learnt:
            self._notes.append(
                f"{learnt:,} of {counted(len(self._keys), 'row')} {'is' if learnt == 1 else 'are'} among those that "
                f"{model.subject.name} has learnt from: its figures are flattered"
            )
        return _model(model.subject, model.card, figures_of(judge, rows, self._figure), trained_on=learnt)

    def _pairs(self) -> tuple[PairTest, ...]:
        places = list(combinations(range(len(self._models)), 2))
        rows = {str(place): of for place, of in enumerate(self._rows)}
        tests = PairedTests(self._figure, rows).of([(str(one), str(other)) for one, other in places])
        pairs = []
        for (one, other), (difference, p, of_shares) in zip(places, tests, strict=True):
            first, second = self._rows[one], self._rows[other]
            better = [self._better(*figures) for figures in zip(first.of_each, second.of_each, strict=True)]
            pairs.append(
                PairTest(
                    first=self._models[one].subject.name,
                    second=self._models[other].subject.name,
                    difference=_known(difference.first - difference.second),
                    low=_known(difference.low),
                    high=_known(difference.high),
                    test="McNemar, exact" if of_shares else "paired bootstrap",
                    p=_known(difference.p),
                    corrected=_known(p),
                    better_first=better.count(1),
                    better_second=better.count(-1),
                )
            )
        return tuple(pairs)

    def _better(self, first: float, second: float) -> int:
        """1 where the first answers a row better, -1 where the second does, 0 where neither is known to."""
        more = (first > second) - (first < second)
        return more if self._figure.larger_is_better else -more

    def _differing(self) -> tuple[DifferingRow, ...]:
        """Rows that are not answered alike, those first whose figures are furthest apart."""
        first, kind = self._models[0], self._models[0].task.input
        target, rows = first.task.target, []
        assert target is not None
        figures_of_rows = zip(*(one.of_each for one in self._rows), strict=True)
        for place, (example, figures) in enumerate(zip(first.of_rows(self._keys), figures_of_rows, strict=True)):
            cells = tuple(of[place].cells().prediction for of in self._answers_of)
            known = [figure for figure in figures if math.isfinite(figure)]
            apart = max(known) - min(known) if known else 0.0
            if apart or len(set(cells)) > 1:
                row = DifferingRow(
                    row=example.row,
                    input=kind.display_text(example.input),
                    target=target.written(example.target),
                    answers=cells,
                    figures=tuple(map(_known, figures)),
                )
                rows.append((-apart, example.row, row))
        return tuple(row for _, _, row in sorted(rows, key=lambda one: one[:2]))


def _known(value: float) -> float | None:
    """A number as JSON has it."""
    return value if math.isfinite(value) else None
