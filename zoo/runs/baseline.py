"""What sharing a body buys or costs, and what pretraining buys: each source of a run learnt alone, too, from the same
weights or from random numbers, and all held against the same rows.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from zoo import atomic
from zoo.answers import Rejected
from zoo.blocks import Report, Table
from zoo.card import Verb
from zoo.errors import Unsupported
from zoo.hyperparameters import MixingOptions
from zoo.metrics import figure_of
from zoo.metrics.paired import Difference, paired_difference
from zoo.plugins import Plugin
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, Noted, RunPlanned
from zoo.runs.hooks import CheckedPredictor
from zoo.runs.kept_parts import BASELINES
from zoo.runs.log import read_events
from zoo.runs.preparation import load_result
from zoo.runs.source_facts import SourcePlanned

CHUNK = 256
"""Examples handed to the predictor at once."""
FINISHED = "finished.json"
"""Written last: what a resumed run need not learn again."""
Kind = Literal["alone", "scratch"]
"""Each source alone from the weights that the run begins from, or from random numbers."""
_BEGINNING: dict[Kind, str] = {"alone": "alone", "scratch": "alone, from random numbers"}


def baselines_of(mixing: MixingOptions) -> tuple[Kind, ...]:
    """Those that a run is held against; what pretraining bought is told apart from what sharing bought by both."""
    if mixing.baseline_scratch:
        return "alone", "scratch"
    return ("alone",) if mixing.baseline else ()


def check_baselines(plugin: Plugin, verbs: Sequence[Verb], runs: Sequence[TrainingRun], kinds: Sequence[Kind]) -> None:
    """Build what learns from random numbers, before anything else takes its time.

    Args:
        plugin: that trains.
        verbs: by which each source is learnt.
        runs: of the sources.
        kinds: of baselines.

    Raises:
        Unsupported: the model begins from its weights alone.
    """
    for verb, run in zip(verbs, runs, strict=True):
        if "scratch" in kinds and is_judged(run):
            try:
                plugin.hook(verb)(run=_from_scratch(dataclasses.replace(run, source="", emit=ignore)))
            except Unsupported as error:
                raise Unsupported(f"--baseline-scratch: {error.message}", "leave it out") from error


def train_baselines(
    worker: Worker, plugin: Plugin, verbs: Sequence[Verb], runs: Sequence[TrainingRun], kinds: Sequence[Kind]
) -> bool:
    """Learn from each source alone: as many steps as it got, batches as large, from the same seed.

    Args:
        worker: of the run, whose sources have been learnt together.
        plugin: that trains.
        verbs: by which each is learnt.
        runs: of the sources.
        kinds: of baselines.

    Returns:
        Whether all are done; a stop may have been asked for.
    """
    plans = [event for event in read_events(worker.folder)[0] if isinstance(event, RunPlanned)]
    for kind in kinds:
        for verb, run, planned in zip(verbs, runs, plans[-1].sources, strict=True):
            folder = _folder(worker, kind, run.source)
            if (folder / FINISHED).exists() or not is_judged(run):
                continue
            steps = round(planned.epochs * math.ceil(planned.rows / planned.batch_size))
            worker.emit(Noted(message=f"the baseline: {run.source} {_BEGINNING[kind]}, {steps:,} steps"))
            alone = _alone(run, folder, planned, steps, plans[-1].lr)
            if kind == "scratch":
                alone = _from_scratch(alone, lr=run.options.lr)
            result = hooks.fit(plugin, verb, alone)
            if result.cancelled:
                return False
            if worker.rank == 0:
                atomic.write_bytes(folder / FINISHED, msgspec.json.encode(result.metrics))
                shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return True


def is_judged(run: TrainingRun) -> bool:
    """Whether there is anything to hold answers against."""
    return run.task.judged and bool(run.eval)


def _folder(worker: Worker, kind: Kind, source: str) -> Path:
    return worker.folder.path / BASELINES / kind / source


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
        emit=ignore,
        set_aside=ignore,
    )


def _from_scratch(run: TrainingRun, lr: float | None = None) -> TrainingRun:
    """The same from random numbers, all of which are learnt.

    Args:
        run: of a source.
        lr: learning rate; None for the one that is usual where nothing is pretrained.
    """
    whole = {"method": "full"} if hasattr(run.options, "method") else {}
    return dataclasses.replace(
        run,
        card=msgspec.structs.replace(run.card, weights=None, labels=()),
        weights=None,
        options=msgspec.structs.replace(run.options, lr=lr, **whole),
    )


def ignore(_: AnyEvent | Any) -> None:
    """What is said of a source has been said when it was learnt with others."""


def compare_with_baselines(
    worker: Worker, plugin: Plugin, runs: Sequence[TrainingRun], kinds: Sequence[Kind]
) -> Report:
    """A table for each kind of baseline, of primary metrics on the same rows.

    Args:
        worker: of the run, whose result is published.
        plugin: that answers.
        runs: of the sources.
        kinds: of baselines.
    """
    rows: dict[Kind, list[tuple[str | float, ...]]] = {kind: [] for kind in kinds}
    for request, run in zip(worker.request.sources, runs, strict=True):
        predictors = _predictors(worker.of_source(request), plugin, run, kinds) if is_judged(run) else []
        answers = [answers_to(predictor, run) for predictor in predictors]
        for kind, better, baseline in zip(kinds, answers, answers[1:], strict=False):
            first, second, low, high, _ = difference(run, better, baseline)
            if math.isfinite(low):
                interval = f"{low:+.4f} to {high:+.4f}"
                rows[kind].append(
                    (run.source, run.task.primary_metric, first, second, f"{first - second:+.4f}", interval)
                )
    return tuple(
        Table(
            title=_TITLES[kind],
            headers=("source", "metric", better, _BEGINNING[kind], "difference", "95% interval"),
            rows=tuple(rows[kind]),
        )
        for kind, better in zip(kinds, ("with the others", *_BEGINNING.values()), strict=False)
        if rows[kind]
    )


_TITLES: dict[Kind, str] = {"alone": "what sharing bought", "scratch": "what pretraining bought"}


def _predictors(worker: Worker, plugin: Plugin, run: TrainingRun, kinds: Sequence[Kind]) -> list[CheckedPredictor]:
    """The head of a source, and what was learnt alone; none where nothing here answers."""
    together = load_result(worker)
    if together is None:
        return []
    folders = [_folder(worker, kind, run.source) / "model" for kind in kinds]
    alone = (dataclasses.replace(together.prediction_run, weights=folder) for folder in folders)
    return [together, *(hooks.load_predictor(plugin, one) for one in alone)]


def difference(run: TrainingRun, first: Sequence[Any], second: Sequence[Any]) -> Difference:
    """Between two predictors, by their answers to the rows held out."""
    both = [
        (example.target, *pair)
        for example, *pair in zip(run.eval, first, second, strict=True)
        if not any(isinstance(one, Rejected) for one in pair)
    ]

    def figure(judged: Sequence[tuple[Any, Any]]) -> float:
        judge = run.task.new_judge(run.labels)
        for target, answer in judged:
            judge.add(target, answer)
        return figure_of(judge, run.task.primary_metric)

    return paired_difference([(t, one) for t, one, _ in both], [(t, two) for t, _, two in both], figure)


def answers_to(predictor: CheckedPredictor, run: TrainingRun) -> list[Any]:
    answers: list[Any] = []
    for start in range(0, len(run.eval), CHUNK):
        chunk = run.eval[start : start + CHUNK]
        answers += predictor.judged([one.input for one in chunk], [one.target for one in chunk])
    return answers
