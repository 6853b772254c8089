"""A learning curve over rows: the same training from ever more of them, and what more than there are would bring."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import shutil
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from zoo import atomic
from zoo.ability_options import parse_recorded
from zoo.blocks import Curve, Paragraph, Report, Table
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.errors import DatasetInvalid
from zoo.file_cache import release
from zoo.hyperparameters import DataOptions
from zoo.metrics import figure_of
from zoo.metrics.intervals import Interval, interval_text
from zoo.metrics.power_law import FEWEST, Extrapolated, extrapolated
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, RunFinished
from zoo.runs.judging import CheckedJudge
from zoo.runs.preparation import fetch_weights, resolve
from zoo.runs.training_data import load_training_data
from zoo.runs.training_job import Part, run_of
from zoo.runs.trial_model import TrialModel
from zoo.tasks import get_task
from zoo.tasks.task import Task

FOLDER = "sizes"
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the rows to learn from."""
LEAST_ROWS = 10
"""Of a size; smaller shares are left out."""
HELD_OUT = 0.2
"""Of the rows, that judge, where no others were named."""
TIMES = (2, 4)
"""As many rows as there are, that is told of."""
DRAWS, MOST_ANSWERS = 200, 200_000
"""Of the rows that judge, and answers that are judged for them at each size."""


class SizeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a size; kept until the run has ended."""

    rows: int
    figure: float
    interval: Interval | None
    draws: list[float]
    """The figure of drawn rows."""


class _Measured(NamedTuple):
    """The sizes, and what more rows would bring."""

    task: Task
    sizes: Sequence[SizeFigures]
    more: Sequence[tuple[int, float, Interval]]

    @property
    def metric(self) -> str:
        """The main one of the task."""
        return self.task.primary_metric

    @property
    def is_better(self) -> bool:
        """Whether twice as many rows are foretold to bring more than there is now."""
        now, (_, _, interval) = self.sizes[-1].figure, self.more[0]
        return interval.low > now if self.task.larger_is_better else interval.high < now


def measure_data_curve(worker: Worker) -> AnyEvent:
    """Train on ever more rows; returns the event that ends the run.

    Raises:
        DatasetInvalid: there are too few rows for a curve.
        RunCancelled: somebody asked for it.
    """
    plugin, card = resolve(worker)
    request = worker.request
    ability = card.ability("finetune", request.task)
    task = get_task(ability.task).divided_at(request.data.separator).named_by(request.data.classes)
    options = cast("DataOptions", parse_recorded(ability, request.options))  # has its fields: plugins are held to it
    judging = options if request.data.eval_path else msgspec.structs.replace(options, eval_share=HELD_OUT)
    data = load_training_data(worker, task, judging, card.columns)
    sizes = _sizes(len(data.train))
    if len(sizes) < FEWEST or not data.eval:
        raise DatasetInvalid(
            f"{request.data.path} has {counted(len(data.train), 'row')} to learn from, too few for a curve",
            f"{round(LEAST_ROWS / SHARES[-FEWEST] / (1 - HELD_OUT))} rows make one",
        )
    release()
    part = Part(worker, "finetune", task, options, data)
    run = dataclasses.replace(run_of(worker, part, card, fetch_weights(worker, card)), emit=lambda event: None)
    ordered = nested(data.train, task)
    worker.emit(Noted(message=f"{counted(len(data.eval), 'row')} judge all of {counted(len(sizes), 'size')}"))
    measured = []
    for size in sizes:
        folder = worker.folder.path / FOLDER / str(size)
        kept = folder / "figures.json"
        if not kept.exists():
            model = TrialModel(worker, plugin, card, run, folder, counted(size, "row"))
            model.train(ordered[:size])
            figures = _figures(run, size, list(model.answers(data.eval)))
            atomic.write_bytes(kept, msgspec.json.encode(figures))
            shutil.rmtree(folder / "model", ignore_errors=True)
        measured.append(msgspec.json.decode(kept.read_bytes(), type=SizeFigures))
        metrics = {task.primary_metric: measured[-1].figure}
        worker.emit(EvaluationCompleted(step=size, metrics=metrics, rows=len(data.eval)))
    known = _Measured(task, measured, _more(task, measured, options.seed))
    shutil.rmtree(worker.folder.path / FOLDER, ignore_errors=True)
    named = {f"{known.metric}_at_{times}x": one for times, one in zip(TIMES, known.more, strict=True)}
    intervals = {name: interval for name, (_, _, interval) in named.items()}
    if measured[-1].interval:
        intervals[known.metric] = measured[-1].interval
    return RunFinished(
        metrics={known.metric: measured[-1].figure} | {name: figure for name, (_, figure, _) in named.items()},
        intervals=intervals,
        report=_report(known),
        labels=data.labels,
    )


def _sizes(rows: int) -> list[int]:
    return [size for size in (round(rows * share) for share in SHARES) if size >= LEAST_ROWS]


def nested(rows: Sequence[Example], task: Task) -> list[Example]:
    """Rows in such an order that as many as you like of the first have each label in the same share.

    Which come first depends on what they hold, not on their order.
    """
    keys = [hashlib.blake2b(input_key(row), digest_size=12).digest() for row in rows]
    targets = [row.target for row in rows]
    of_stratum: dict[Hashable, list[int]] = defaultdict(list)
    for place, stratum in enumerate(task.target.strata(targets) if task.target else [None] * len(rows)):
        of_stratum[stratum].append(place)
    ranks: dict[int, float] = {}
    for places in of_stratum.values():
        for rank, place in enumerate(sorted(places, key=lambda one: keys[one])):
            ranks[place] = (rank + 0.5) / len(places)
    return [rows[place] for place in sorted(ranks, key=lambda one: (ranks[one], keys[one]))]


def _figures(run: TrainingRun, size: int, answered: Sequence[tuple[Example, Any]]) -> SizeFigures:
    """Of a model that has learnt from so many rows: its figure, and those of drawn rows, the same at each size."""
    metric, judge = run.task.primary_metric, CheckedJudge(run.task, run.labels)
    for example, answer in answered:
        judge.add(example.target, answer)
    draw, draws = random.Random(0), []  # noqa: S311  (statistics)
    for _ in range(max(20, min(DRAWS, MOST_ANSWERS // max(1, len(answered))))):
        drawn = run.task.new_judge(run.labels)
        for example, answer in draw.choices(answered, k=len(answered)):
            drawn.add(example.target, answer)
        draws.append(figure_of(drawn, metric))
    return SizeFigures(rows=size, figure=judge.figures()[metric], interval=judge.intervals().get(metric), draws=draws)


def _more(task: Task, sizes: Sequence[SizeFigures], seed: int) -> list[tuple[int, float, Interval]]:
    """The figures of more rows than there are, with where they lie."""
    import numpy as np

    def error(figure: Any) -> Any:
        return 1 - figure if task.larger_is_better else figure

    draws = np.array([one.draws for one in sizes], dtype=np.float64).T
    more = extrapolated(
        [one.rows for one in sizes],
        [error(one.figure) for one in sizes],
        error(draws[np.isfinite(draws).all(axis=1)]),
        [sizes[-1].rows * times for times in TIMES],
        seed,
    )
    return [_as_figure(one, larger_is_better=task.larger_is_better) for one in more]


def _as_figure(one: Extrapolated, *, larger_is_better: bool) -> tuple[int, float, Interval]:
    if not larger_is_better:
        return one.rows, one.error, one.interval
    return one.rows, 1 - one.error, Interval(1 - one.interval.high, 1 - one.interval.low)


def _report(known: _Measured) -> Report:
    """A table of the sizes, a curve, and what more rows would bring in words."""
    rows = [(f"{one.rows:,}", "measured", round(one.figure, 4), interval_text(one.interval)) for one in known.sizes]
    rows += [(f"{size:,}", "foretold", round(value, 4), interval_text(one)) for size, value, one in known.more]
    points = [(float(one.rows), one.figure) for one in known.sizes]
    foretold = [points[-1], *((float(size), value) for size, value, _ in known.more)]
    return (
        Table(title="Rows", headers=("rows", "", known.metric, "95% interval"), rows=tuple(rows)),
        Curve(title=f"{known.metric} by rows", points=tuple(points)),
        Curve(title=f"{known.metric} by rows, foretold", points=tuple(foretold)),
        Paragraph(text=_verdict(known)),
    )


def _verdict(known: _Measured) -> str:
    now, (rows, value, interval) = known.sizes[-1].figure, known.more[0]
    text = (
        f"With {rows:,} rows, twice as many, {known.metric} is foretold to be {value:.3f} ({interval_text(interval)}), "
        f"{value - now:+.3f} from today's."
    )
    if known.is_better:
        return f"{text} More rows of the same source help."
    return f"{text} Whether more rows help cannot be told: the interval reaches to today's {now:.3f}, or beyond."
