"""Pretraining and fine-tuning: data in, a model folder out."""

from __future__ import annotations

import dataclasses
import shutil
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from zoo.ability_options import parse_recorded
from zoo.blocks import Report
from zoo.card import Card, Verb
from zoo.data.example import Example
from zoo.file_cache import release
from zoo.hyperparameters import DataOptions, MixingOptions
from zoo.options import parse
from zoo.plugins import Plugin
from zoo.runs.attempt import Worker
from zoo.runs.baseline import baselines_of, check_baselines, compare_with_baselines, train_baselines
from zoo.runs.context import FitResult, Teaching, TrainingRun
from zoo.runs.cross_validation import folds_of, with_folds
from zoo.runs.events import AnyEvent, RunCancelled, RunFinished, Warned
from zoo.runs.hooks import fit
from zoo.runs.kept_heads import check_kept_heads
from zoo.runs.mistakes import MistakeLog
from zoo.runs.preparation import fetch_weights, load_result, resolve
from zoo.runs.publishing import describe_heads, publish
from zoo.runs.teaching import teach
from zoo.runs.training_data import TrainingData, load_training_data
from zoo.sanitize import one_line
from zoo.tasks import get_task
from zoo.tasks.task import Task

CHUNK = 256
"""Examples handed to the predictor at once."""


@dataclass(frozen=True)
class Part:
    """What a training learns from one source."""

    worker: Worker
    """As the source sees it: its request and its files."""
    verb: Verb
    task: Task
    options: DataOptions
    data: TrainingData
    weight: float = 1.0
    teaching: Teaching | None = None

    @property
    def name(self) -> str:
        """Of the source; empty where it is the only one."""
        return self.worker.folder.source


def train(worker: Worker) -> AnyEvent:
    """Do a pretraining or fine-tuning run; returns the event that ends it."""
    request = worker.request
    plugin, card = resolve(worker)
    drop_unfinished(worker)
    if request.kept and worker.rank == 0:
        check_kept_heads(request, card)
    if request.sources:
        parts = [_load(worker.of_source(source), card, source.weight) for source in request.sources]
    else:
        parts = [_load(worker, card)]
    release()
    weights = fetch_weights(worker, card)
    runs = [run_of(worker, part, card, weights) for part in parts]
    run = _joined(worker, parts, runs) if request.sources else runs[0]
    kinds, verbs = baselines_of(run.mixing), [part.verb for part in parts]
    check_baselines(plugin, verbs, runs, kinds)
    folds = folds_of(worker, plugin, card, run, parts[0].data.columns)
    result = fitted(plugin, _verb(request.verb), run)
    if folds is not None:
        if result.cancelled:
            return RunCancelled(step=result.step)
        result = with_folds(result, folds.figures())
    with_baselines = bool(kinds) and not request.dry_run
    if result.cancelled or (with_baselines and not train_baselines(worker, plugin, verbs, runs, kinds)):
        return RunCancelled(step=result.step)
    report = result.report
    if not request.dry_run and worker.rank == 0:
        data = [part.data for part in parts]
        manifest = publish(worker, plugin, card, run, result, data)
        for part, of_part in zip(parts, runs, strict=True):
            learnt = part.name or result.task in ("", part.task.name)
            if part.task.has_mistakes and learnt and of_part.eval:
                list_mistakes(part.worker, part.task, of_part.eval)
        if with_baselines:
            comparison = compare_with_baselines(worker, plugin, runs, kinds)
            describe_heads(worker, manifest, result, data, comparison)
            report = (*comparison, *report)
    return finished(result, report)


def fitted(plugin: Plugin, verb: Verb, run: TrainingRun) -> FitResult:
    """What a training comes to; what it has kept on disk for itself goes."""
    try:
        return fit(plugin, verb, run)
    finally:
        shutil.rmtree(run.scratch_folder, ignore_errors=True)  # in use by another process of the run: it will do it


def finished(result: FitResult, report: Report) -> RunFinished:
    """What is told of a fit that went to its end.

    Args:
        result: how it ended.
        report: what belongs to its figures, and to what they are held against.
    """
    return RunFinished(
        metrics=result.metrics,
        intervals=result.intervals,
        step=result.step,
        best_step=result.best_step,
        report=report,
        labels=result.labels,
        sources=result.sources,
    )


def _verb(verb: str) -> Verb:
    return "pretrain" if verb == "pretrain" else "finetune"


def _load(worker: Worker, card: Card, weight: float = 1.0) -> Part:
    """Read the data of a source."""
    request = worker.request
    verb = _verb(request.verb)
    ability = card.ability(verb, request.task)
    task = get_task(ability.task).divided_at(request.data.separator).named_by(request.data.classes)
    options = cast("DataOptions", parse_recorded(ability, request.options))  # has its fields: plugins are held to it
    trained = {} if request.new_heads else card.columns
    data, teaching = teach(worker, task, load_training_data(worker, task, options, trained))
    return Part(worker, verb, task, options, data, weight, teaching)


def run_of(worker: Worker, part: Part, card: Card, weights: Path | None) -> TrainingRun:
    """What a plugin is given of a source."""
    request = worker.request
    return TrainingRun(
        card=card,
        task=part.task,
        weights=weights,
        train=part.data.train,
        eval=part.data.eval,
        labels=part.data.labels,
        options=part.options,
        device=worker.device,
        precision=request.precision,
        exact=request.requested_precision == "fp32",
        folder=worker.folder.path,
        source=part.name,
        weight=part.weight,
        teaching=part.teaching,
        units=part.data.units,
        rank=worker.rank,
        world_size=worker.world_size,
        shard=request.shard and worker.world_size > 1,
        dry_run=request.dry_run,
        emit=part.worker.emit,
        should_stop=worker.should_stop,
        set_aside=part.data.set_aside,
    )


def _joined(worker: Worker, parts: Sequence[Part], runs: Sequence[TrainingRun]) -> TrainingRun:
    """Several sources as one run, whose rows are those of all; how to train is said by the first that has targets."""
    first = next((run for part, run in zip(parts, runs, strict=True) if part.verb == "finetune"), runs[0])
    return dataclasses.replace(
        first,
        source="",
        weight=1.0,
        teaching=None,
        train=tuple(example for run in runs for example in run.train),
        eval=tuple(example for run in runs for example in run.eval),
        emit=worker.emit,
        sources=tuple(runs),
        mixing=parse(MixingOptions, worker.request.mixing),
    )


def drop_unfinished(worker: Worker) -> None:
    """Remove what a killed attempt exported: until a run has finished, its model folder is whole only by chance."""
    folder = worker.folder.model_folder
    if worker.rank == 0 and folder.exists():
        shutil.rmtree(folder)


def list_mistakes(worker: Worker, task: Task, examples: Sequence[Example]) -> None:
    """Keep the rows held out that the result answers wrongly; a run that cannot has finished all the same."""
    mistakes = MistakeLog(task.target)
    try:
        predictor = load_result(worker)
        if predictor is None:
            return
        for start in range(0, len(examples), CHUNK):
            if worker.should_stop():
                return
            chunk = examples[start : start + CHUNK]
            mistakes.add(chunk, predictor.predict([example.input for example in chunk]))
    except Exception as error:  # a plugin may raise anything
        traceback.print_exc()
        worker.emit(Warned(message=f"the rows that are answered wrongly could not be listed: {one_line(str(error))}"))
    else:
        mistakes.write(worker.folder.mistakes_path)
