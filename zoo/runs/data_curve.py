"""A learning curve over rows: the same training from ever more of them, and what more than there are would bring."""

from __future__ import annotations

import dataclasses
import hashlib
import math
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
from zoo.enough_rows import HELD_OUT, curve_sizes
from zoo.errors import DatasetInvalid, RunCancelled
from zoo.file_cache import release
from zoo.hyperparameters import DataOptions
from zoo.metrics import figure_of
from zoo.metrics.intervals import Interval, interval_text
from zoo.metrics.power_law import Extrapolated, extrapolated
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.baseline import CHUNK, ignore
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, RunFinished
from zoo.runs.judging import CheckedJudge
from zoo.runs.kept_parts import SIZES
from zoo.runs.preparation import fetch_weights, resolve
from zoo.runs.training_data import load_training_data
from zoo.runs.training_job import Part, run_of
from zoo.runs.trial_model import TrialModel, warn_of_learnt
from zoo.tasks import get_task
from zoo.tasks.task import Task

TIMES = (2, 4)
"""As many rows as there are, that is told of."""
DRAWS, MOST_ANSWERS = 200, 200_000
"""Of the rows that judge, and answers that are judged for them at each size."""
KNOWN = 0.5
"""Of the draws, the share that must have a figure at each size."""


class SizeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a size; kept until the run has ended."""

    rows: int
    figure: float
    interval: Interval | None
    judged: int
    """Rows that it answered."""
    draws: list[float | None]
    """The figure of drawn rows; None of those that have none."""


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
    data = load_training_data(worker, task, judging, {} if request.new_heads else card.columns)
    held_out = not request.data.eval_path
    sizes = curve_sizes(request.data.path, len(data.train), len(data.eval), held_out=held_out)
    warn_of_learnt(worker, card, data.eval)
    release()
    part = Part(worker, "finetune", task, options, data)
    run = dataclasses.replace(run_of(worker, part, card, fetch_weights(worker, card)), emit=lambda event: None)
    ordered = nested(data.train, task)
    worker.emit(Noted(message=f"{counted(len(data.eval), 'row')} judge all of {counted(len(sizes), 'size')}"))
    measured = []
    for size in sizes:
        folder = worker.folder.path / SIZES / str(size)
        kept = folder / "figures.json"
        if not kept.exists():
            model = TrialModel(worker, plugin, card, run, folder, counted(size, "row"))
            set_aside = data.set_aside if size == sizes[-1] else ignore  # it has the rows of all others
            model.train(ordered[:size], set_aside)
            figures = _figures(worker, run, size, list(model.answers(data.eval, set_aside)))
            atomic.write_bytes(kept, msgspec.json.encode(figures))
            shutil.rmtree(folder / "model", ignore_errors=True)
        measured.append(msgspec.json.decode(kept.read_bytes(), type=SizeFigures))
        metrics = {task.primary_metric: measured[-1].figure}
        worker.emit(EvaluationCompleted(step=size, metrics=metrics, rows=measured[-1].judged))
    known = _Measured(task, measured, foretold(task, measured, options.seed))
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


def _figures(worker: Worker, run: TrainingRun, size: int, answered: Sequence[tuple[Example, Any]]) -> SizeFigures:
    """Of a model that has learnt from so many rows: its figure, and those of drawn rows, the same at each size.

    Raises:
        DatasetInvalid: it has none.
        RunCancelled: somebody asked for it.
    """
    metric, judge = run.task.primary_metric, CheckedJudge(run.task, run.labels)
    for example, answer in answered:
        judge.add(example.target, answer)
    figure = judge.figures().get(metric)
    if figure is None:
        raise DatasetInvalid(
            f"what has learnt from {counted(size, 'row')} has no {metric} on {counted(len(answered), 'row')} that "
            "could be answered",
            "name other rows that judge: --eval DATA",
        )
    draw, draws = random.Random(0), list[float | None]()  # noqa: S311  (statistics)
    for _ in range(max(20, min(DRAWS, MOST_ANSWERS // len(answered)))):
        drawn = run.task.new_judge(run.labels)
        for place, (example, answer) in enumerate(draw.choices(answered, k=len(answered))):
            if place % CHUNK == 0 and worker.should_stop():
                raise RunCancelled(f"stopped while the interval of {counted(size, 'row')} was computed", "")
            drawn.add(example.target, answer)
        value = figure_of(drawn, metric)
        draws.append(value if math.isfinite(value) else None)
    return SizeFigures(
        rows=size,
        figure=figure,
        interval=judge.intervals().get(metric),
        judged=len(answered),
        draws=draws,
    )


def foretold(task: Task, sizes: Sequence[SizeFigures], seed: int) -> list[tuple[int, float, Interval]]:
    """The figures of more rows than there are, with where they lie.

    Raises:
        DatasetInvalid: too few rows judge.
    """
    import numpy as np

    figures = [one.figure for one in sizes]
    best = _best(figures) if task.larger_is_better else None
    draws = np.array([one.draws for one in sizes], dtype=np.float64).T
    known = draws[np.isfinite(draws).all(axis=1)]
    if len(known) < KNOWN * len(draws):
        raise DatasetInvalid(
            f"most samples of the rows that judge have no {task.primary_metric}, so there is no interval",
            "let more rows judge: --eval DATA",
        )
    more = extrapolated(
        [one.rows for one in sizes],
        figures if best is None else [best - one for one in figures],
        known if best is None else best - known,
        [sizes[-1].rows * times for times in TIMES],
        seed,
    )
    if best is None:
        return list(more)
    least = 0.0 if min(figures) >= 0 else -math.inf
    return [(one.rows, *_as_figure(one, best, least)) for one in more]


def _best(figures: Sequence[float]) -> float:
    """What no figure goes beyond: 1, or where they are of another scale the next power of ten."""
    largest = max(figures)
    return 1.0 if largest <= 1 else 10.0 ** math.ceil(math.log10(largest))


def _as_figure(one: Extrapolated, best: float, least: float) -> tuple[float, Interval]:
    """An error as what it is short of the best, and not below the least."""
    figure, low, high = (max(least, best - error) for error in (one.error, one.interval.high, one.interval.low))
    return figure, Interval(low, high)


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
