"""What sharing a body buys or costs: each source of a run learnt alone, too, and both held against the same rows."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.answers import Rejected
from zoo.blocks import Report, Table
from zoo.card import Verb
from zoo.metrics.paired import Difference, paired_difference
from zoo.plugins import Plugin
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, Noted, RunPlanned, SourcePlanned
from zoo.runs.hooks import CheckedPredictor
from zoo.runs.log import read_events
from zoo.runs.preparation import load_result

CHUNK = 256
"""Examples handed to the predictor at once."""
FINISHED = "finished.json"
"""Written last: what a resumed run need not learn again."""


def train_baselines(worker: Worker, plugin: Plugin, verbs: Sequence[Verb], runs: Sequence[TrainingRun]) -> bool:
    """Learn from each source alone: as many steps as it got, batches as large, from the same seed.

    Args:
        worker: of the run, whose sources have been learnt together.
        plugin: that trains.
        verbs: by which each is learnt.
        runs: of the sources.

    Returns:
        Whether all are done; a stop may have been asked for.
    """
    plans = [event for event in read_events(worker.folder)[0] if isinstance(event, RunPlanned)]
    for verb, run, planned in zip(verbs, runs, plans[-1].sources, strict=True):
        folder = _folder(worker, run.source)
        if (folder / FINISHED).exists():
            continue
        steps = round(planned.epochs * math.ceil(planned.rows / planned.batch_size))
        worker.emit(Noted(message=f"the baseline: {run.source} alone, {steps:,} steps"))
        result = hooks.fit(plugin, verb, _alone(run, folder, planned, steps, plans[-1].lr))
        if result.cancelled:
            return False
        if worker.rank == 0:
            atomic.write_bytes(folder / FINISHED, msgspec.json.encode(result.metrics))
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return True


def _folder(worker: Worker, source: str) -> Path:
    return worker.folder.path / "baselines" / source


def _alone(run: TrainingRun, folder: Path, planned: SourcePlanned, steps: int, lr: float) -> TrainingRun:
    """The run of a source as if it were the only one; nobody is told of its steps."""
    folder.mkdir(parents=True, exist_ok=True)
    micro = run.options.micro_batch_size
    options = msgspec.structs.replace(
        run.options,
        max_steps=max(1, steps),
        epochs=None,
        batch_size=planned.batch_size,
        micro_batch_size=min(micro, planned.batch_size) if micro else None,
        lr=lr,
    )
    return dataclasses.replace(
        run,
        source="",
        weight=1.0,
        options=options,
        folder=folder,
        emit=_ignore,
        set_aside=_ignore,
    )


def _ignore(_: AnyEvent | Any) -> None:
    """What is said of a source has been said when it was learnt with others."""


def compare_with_baselines(worker: Worker, plugin: Plugin, runs: Sequence[TrainingRun]) -> Report:
    """A table: the primary metric of each source, with others and alone, on the same rows; the baselines are removed.

    Args:
        worker: of the run, whose result is published.
        plugin: that answers.
        runs: of the sources.
    """
    rows = []
    for request, run in zip(worker.request.sources, runs, strict=True):
        difference = _difference(worker.of_source(request), plugin, run)
        if difference is not None and math.isfinite(difference.low):
            first, second, low, high = difference
            interval = f"{low:+.4f} to {high:+.4f}"
            rows.append((run.source, run.task.primary_metric, first, second, f"{first - second:+.4f}", interval))
    shutil.rmtree(worker.folder.path / "baselines", ignore_errors=True)
    headers = ("source", "metric", "with the others", "alone", "difference", "95% interval")
    return (Table(title="what sharing bought", headers=headers, rows=tuple(rows)),) if rows else ()


def _difference(worker: Worker, plugin: Plugin, run: TrainingRun) -> Difference | None:
    """None where there is nothing to hold answers against."""
    if not run.task.judged or not run.eval:
        return None
    together = load_result(worker)
    if together is None:
        return None
    alone = hooks.load_predictor(
        plugin, dataclasses.replace(together.prediction_run, weights=_folder(worker, run.source) / "model")
    )
    answers = [_answers(predictor, run) for predictor in (together, alone)]
    both = [
        (example.target, *pair)
        for example, *pair in zip(run.eval, *answers, strict=True)
        if not any(isinstance(one, Rejected) for one in pair)
    ]

    def figure(judged: Sequence[tuple[Any, Any]]) -> float:
        judge = run.task.new_judge(run.labels)
        for target, answer in judged:
            judge.add(target, answer)
        return judge.compute().get(run.task.primary_metric, math.nan)

    return paired_difference([(t, one) for t, one, _ in both], [(t, two) for t, _, two in both], figure)


def _answers(predictor: CheckedPredictor, run: TrainingRun) -> list[Any]:
    answers: list[Any] = []
    for start in range(0, len(run.eval), CHUNK):
        chunk = run.eval[start : start + CHUNK]
        answers += predictor.judged([one.input for one in chunk], [one.target for one in chunk])
    return answers
