"""Pretraining and fine-tuning: data in, a model folder out."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec

from zoo import atomic
from zoo.ability_options import parse_recorded
from zoo.card import Card, Verb, WeightsFile
from zoo.data.example import Example
from zoo.file_cache import release
from zoo.hyperparameters import DataOptions
from zoo.options import to_dict
from zoo.plugins import Plugin
from zoo.runs.attempt import Worker
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, RunCancelled, RunFinished, Warned
from zoo.runs.hooks import fit
from zoo.runs.mistakes import MistakeLog
from zoo.runs.model_card import write_readme
from zoo.runs.preparation import fetch_weights, load_result, resolve
from zoo.runs.result import MANIFEST, ResultManifest
from zoo.runs.training_data import TrainingData, load_training_data
from zoo.sanitize import one_line
from zoo.tasks import get_task
from zoo.tasks.task import Task

CHUNK = 256
"""Examples handed to the predictor at once."""


def train(worker: Worker) -> AnyEvent:
    """Do a pretraining or fine-tuning run; returns the event that ends it."""
    request = worker.request
    plugin, card = resolve(worker)
    verb: Verb = "pretrain" if request.verb == "pretrain" else "finetune"
    ability = card.ability(verb, request.task)
    task = get_task(ability.task).divided_at(request.data.separator).named_by(request.data.classes)
    options = cast("DataOptions", parse_recorded(ability, request.options))  # has its fields: plugins are held to it
    _drop_unfinished(worker)
    data = load_training_data(worker, task, options, card.columns)
    release()
    weights = fetch_weights(worker, card)
    run = TrainingRun(
        card=card,
        task=task,
        weights=weights,
        train=data.train,
        eval=data.eval,
        labels=data.labels,
        options=options,
        device=request.device,
        precision=request.precision,
        folder=worker.folder.path,
        rank=worker.rank,
        world_size=worker.world_size,
        dry_run=request.dry_run,
        emit=worker.emit,
        should_stop=worker.should_stop,
        set_aside=data.set_aside,
    )
    try:
        result = fit(plugin, verb, run)
    finally:
        shutil.rmtree(run.scratch_folder, ignore_errors=True)  # in use by another process of the run: it will do it
    if result.cancelled:
        return RunCancelled(step=result.step)
    if not request.dry_run and worker.rank == 0:
        _publish(worker, plugin, card, run, result, data)
        if task.has_mistakes and result.task in ("", task.name) and run.eval:
            _list_mistakes(worker, task, run.eval)
    return RunFinished(
        metrics=result.metrics,
        step=result.step,
        best_step=result.best_step,
        report=result.report,
        labels=result.labels,
    )


def _drop_unfinished(worker: Worker) -> None:
    """Remove what a killed attempt exported: until a run has finished, its model folder is whole only by chance."""
    folder = worker.folder.model_folder
    if worker.rank == 0 and folder.exists():
        shutil.rmtree(folder)


def _publish(
    worker: Worker, plugin: Plugin, card: Card, run: TrainingRun, result: FitResult, data: TrainingData
) -> None:
    """Make the exported folder a model: its README, and the manifest with the digest of every file, written last."""
    folder = worker.folder.model_folder
    request = worker.request
    manifest = ResultManifest(
        name=worker.folder.name,
        plugin=plugin.name,
        base=_base_name(card, worker),
        parent=card.name,
        verb=request.verb,
        task=result.task or run.task.name,
        labels=result.labels,
        columns=data.columns,
        parameters=card.parameters if result.parameters is None else result.parameters,
        metrics=result.metrics,
        options=dict(to_dict(run.options)),
        created_at=time.time(),
        versions=request.versions,
    )
    write_readme(folder, manifest, request, rows=data.usable_rows, report=result.report)
    _let_the_umask_decide(folder)
    files = tuple(_digested(folder, path) for path in sorted(folder.rglob("*")) if path.is_file())
    published = msgspec.structs.replace(manifest, files=tuple(file for file in files if file.name != "README.md"))
    atomic.write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(published)))


def _list_mistakes(worker: Worker, task: Task, examples: Sequence[Example]) -> None:
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


def _let_the_umask_decide(folder: Path) -> None:
    """Let others read the files as they may read any other; libraries that write through temporary files forbid it."""
    umask = os.umask(0o022)
    os.umask(umask)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o666 & ~umask)


def _base_name(card: Card, worker: Worker) -> str:
    """The plugin's card whose architecture the result has; a run's result names its own."""
    parent = worker.folder.path.parent / card.name / "model" / MANIFEST
    if card.weights is not None and parent.exists():
        return msgspec.json.decode(parent.read_bytes(), type=ResultManifest).base
    return card.name


def _digested(folder: Path, path: Path) -> WeightsFile:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return WeightsFile(name=path.relative_to(folder).as_posix(), sha256=sha256, size_bytes=path.stat().st_size)
