"""What federating bought or cost: the same learnt from all rows in one place, and by each client alone, and all three
held against the same rows.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo import atomic
from zoo.answers import Rejected
from zoo.blocks import Cell, Report, Table
from zoo.errors import RunFailed
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.baseline import FINISHED, answers_to, difference, ignore, is_judged
from zoo.runs.context import TrainingRun
from zoo.runs.events import Noted, Warned
from zoo.runs.kept_parts import BASELINES
from zoo.runs.preparation import load_result
from zoo.runs.source_facts import SourceResult

CENTRAL = "all in one place"
"""What a run over the rows of all clients is called."""


class _Baseline(NamedTuple):
    """A training that the run is held against."""

    name: str
    """Of a client; empty for all rows in one place."""
    run: TrainingRun
    epochs: float
    """As many as the run went through these rows."""
    folder: Path


def _baselines(worker: Worker, run: TrainingRun, learnt: Sequence[SourceResult]) -> list[_Baseline]:
    folder = worker.folder.path / BASELINES
    of_name = {client.source: client for client in run.clients}
    rows = [len(of_name[one.name].train) for one in learnt]
    epochs = [one.epochs or 0.0 for one in learnt]
    alone = [
        _Baseline(one.name, of_name[one.name], own, folder / "alone" / one.name)
        for one, own in zip(learnt, epochs, strict=True)
        if own and is_judged(of_name[one.name])
    ]
    visits = sum(count * own for count, own in zip(rows, epochs, strict=True))
    return [_Baseline("", run, visits / sum(rows), folder / "central"), *alone]


def train_baselines(worker: Worker, plugin: Plugin, run: TrainingRun, learnt: Sequence[SourceResult]) -> bool:
    """Learn from all rows in one place, and from those of each client alone: as many examples as the run has seen.

    Args:
        worker: of the run, whose clients have learnt together.
        plugin: that trains.
        run: over all clients.
        learnt: what came of each.

    Returns:
        Whether all are done; a stop may have been asked for.
    """
    if not is_judged(run):
        worker.emit(Warned(message="--baseline: no rows are held out that anything could be held against"))
        return True
    for baseline in _baselines(worker, run, learnt):
        if (baseline.folder / FINISHED).exists():
            continue
        what = f"{baseline.name} alone" if baseline.name else CENTRAL
        worker.emit(Noted(message=f"the baseline: {what}, {counted(baseline.epochs, 'epoch')}"))
        metrics: dict[str, float] = {}
        try:
            result = hooks.fit(plugin, "finetune", _apart(baseline))
            if result.cancelled:
                return False
            metrics = result.metrics
        except RunFailed as failure:
            worker.emit(Warned(message=f"the baseline: {what}: {failure.message}"))
            shutil.rmtree(baseline.folder / "model", ignore_errors=True)
        atomic.write_bytes(baseline.folder / FINISHED, msgspec.json.encode(metrics))
        shutil.rmtree(baseline.folder / "checkpoints", ignore_errors=True)
    return True


def _apart(baseline: _Baseline) -> TrainingRun:
    """The run as if nobody federated; nobody is told of its steps."""
    run = baseline.run
    baseline.folder.mkdir(parents=True, exist_ok=True)
    micro = run.options.micro_batch_size
    options = msgspec.structs.replace(
        run.options,
        epochs=baseline.epochs,
        patience=None,
        micro_batch_size=min(micro, len(run.train)) if micro else None,
    )
    return dataclasses.replace(
        run,
        source="",
        clients=(),
        federation=None,
        options=options,
        folder=baseline.folder,
        emit=ignore,
        set_aside=ignore,
    )


def compare_with_baselines(worker: Worker, plugin: Plugin, run: TrainingRun, learnt: Sequence[SourceResult]) -> Report:
    """What each client has alone, of the run, and of all rows in one place.

    Args:
        worker: of the run, whose result is published.
        plugin: that answers.
        run: over all clients.
        learnt: what came of each.
    """
    together = load_result(worker) if is_judged(run) else None
    if together is None:
        return ()
    central, *alone = _baselines(worker, run, learnt)
    judged = dataclasses.replace(run, eval=tuple(example for one in alone for example in one.run.eval))

    def answers(of: TrainingRun, folder: Path) -> list[Any]:
        if not (folder / "model").exists():
            return [Rejected("it did not learn") for _ in of.eval]
        weights = dataclasses.replace(together.prediction_run, weights=folder / "model")
        return answers_to(hooks.load_predictor(plugin, weights), of)

    of_run, of_central = answers_to(together, judged), answers(judged, central.folder)
    of_alone = [answers(one.run, one.folder) for one in alone]
    metric, rows = run.task.primary_metric, list[tuple[Cell, ...]]()
    start = 0
    for one, own in zip(alone, of_alone, strict=True):
        end = start + len(one.run.eval)
        figures = [_figure(one.run, some) for some in (own, of_run[start:end], of_central[start:end])]
        rows.append((one.name, len(one.run.train), metric, *figures))
        start = end
    whole_alone = [answer for own in of_alone for answer in own]
    figures = [_figure(judged, some) for some in (whole_alone, of_run, of_central)]
    rows.append(("all", sum(len(one.run.train) for one in alone), metric, *figures))
    return (
        Table(
            title="what federating bought or cost",
            headers=("client", "rows", "metric", "alone", "federated", CENTRAL),
            rows=tuple(rows),
        ),
        Table(
            title="on all rows held out",
            headers=("federated less", "difference", "95% interval"),
            rows=tuple(
                (what, f"{first - second:+.4f}", f"{low:+.4f} to {high:+.4f}")
                for what, other in (("each alone", whole_alone), (CENTRAL, of_central))
                for first, second, low, high, _ in [difference(judged, of_run, other)]
                if math.isfinite(low)
            ),
        ),
    )


def _figure(run: TrainingRun, answers: Sequence[Any]) -> float | None:
    """The primary metric of answers to the rows held out; None where there is none."""
    judge = run.task.new_judge(run.labels)
    for example, answer in zip(run.eval, answers, strict=True):
        if not isinstance(answer, Rejected):
            judge.add(example.target, answer)
    figure = judge.compute().get(run.task.primary_metric, math.nan)
    return figure if math.isfinite(figure) else None
