"""Pretraining and fine-tuning: data in, a model folder out."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from zoo import atomic
from zoo.card import Card, Verb, WeightsFile
from zoo.catalog import data_task
from zoo.data import load, match_labels, split
from zoo.data.columns import replaced_columns
from zoo.data.example import Columns, Example, RejectedRow
from zoo.errors import Unsupported
from zoo.hyperparameters import DataOptions
from zoo.options import parse, to_dict
from zoo.plugins import Plugin
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, DataLoaded, Noted, RunCancelled, RunFinished
from zoo.runs.hooks import fit
from zoo.runs.model_card import write_readme
from zoo.runs.preparation import fetch_weights, resolve
from zoo.runs.quarantine import Quarantine, check_digest
from zoo.runs.result import MANIFEST, ResultManifest
from zoo.sanitize import one_line
from zoo.task import Task, get_task

if TYPE_CHECKING:
    from zoo.runs.worker import Worker


def train(worker: Worker) -> AnyEvent:
    """Do a pretraining or fine-tuning run; returns the event that ends it."""
    request = worker.request
    plugin, card = resolve(worker)
    verb: Verb = "pretrain" if request.verb == "pretrain" else "finetune"
    ability = card.abilities.get(verb)
    if ability is None:
        raise Unsupported(f"{card.name} cannot {verb}", f"it can: {', '.join(card.abilities)}")
    task = data_task(card, ability.task)
    options = cast("DataOptions", parse(ability.options, request.options))  # has its fields: plugins are held to it
    _drop_unfinished(worker)
    train_set, evaluation, labels, columns, quarantine = _load_data(worker, task, options)
    weights = fetch_weights(worker, card)
    run = TrainingRun(
        card=card,
        task=get_task(ability.task),
        weights=weights,
        train=train_set,
        eval=evaluation,
        labels=labels,
        options=options,
        device=request.device,
        precision=request.precision,
        folder=worker.folder.path,
        rank=worker.rank,
        world_size=worker.world_size,
        dry_run=request.dry_run,
        emit=worker.emit,
        should_stop=worker.should_stop,
        set_aside=_setter_aside(quarantine, worker, task, evaluation, options.max_rejected),
    )
    try:
        result = fit(plugin, verb, run)
    finally:
        shutil.rmtree(run.scratch_folder, ignore_errors=True)  # in use by another process of the run: it will do it
    if result.cancelled:
        return RunCancelled(step=result.step)
    if not request.dry_run and worker.rank == 0:
        _publish(worker, plugin, card, run, result, columns)
    return RunFinished(
        metrics=result.metrics,
        step=result.step,
        best_step=result.best_step,
        confusion=result.confusion,
        labels=result.labels,
    )


def _load_data(
    worker: Worker, task: Task, options: DataOptions
) -> tuple[tuple[Example, ...], tuple[Example, ...], tuple[str, ...], Columns, Quarantine]:
    """Read the data, quarantine what cannot be used, hold a part out for evaluation."""
    data = worker.request.data
    named = Columns(data.input_column, data.label_column)
    dataset = load(data.path, task, input_column=named.input, label_column=named.label, merge=data.merge_labels)
    check_digest(data.path, dataset.sha256, data.sha256)
    labels = dataset.labels if task.labelled else ()
    sources = [dataset]
    if data.eval_path:
        held_out = load(data.eval_path, task, input_column=named.input, label_column=named.label, min_classes=1)
        check_digest(data.eval_path, held_out.sha256, data.eval_sha256)
        if task.labelled:
            held_out = match_labels(held_out, labels, merge=data.merge_labels)
        sources.append(held_out)
        train_set, evaluation = dataset.examples, held_out.examples
    else:
        train_set, evaluation = split(dataset, options.eval_share, options.seed)
    quarantine = Quarantine(worker, sources)
    quarantine.check_share(options.max_rejected)
    for source in sources:
        for message in replaced_columns(source.path, task, source.columns, named):
            worker.emit(Noted(message=message))
    worker.emit(
        DataLoaded(
            train_rows=len(train_set),
            eval_rows=len(evaluation),
            rejected_rows=len(quarantine),
            labels=labels,
            input_column=dataset.columns.input,
            label_column=dataset.columns.label,
            sha256=dataset.sha256,
        )
    )
    return train_set, evaluation, labels, dataset.columns, quarantine


def _setter_aside(
    quarantine: Quarantine, worker: Worker, task: Task, evaluation: Sequence[Example], limit: float
) -> Callable[[Sequence[tuple[Example, str]]], None]:
    """What sets rows aside, by the file they came from: a table of texts, or the image itself."""
    data = worker.request.data
    of_evaluation = {id(example) for example in evaluation} if data.eval_path else set()

    def file_of(example: Example) -> str:
        if task.input == "image":
            return example.input
        return data.eval_path if id(example) in of_evaluation else data.path

    def set_aside(unusable: Sequence[tuple[Example, str]]) -> None:
        quarantine.add([RejectedRow(file_of(example), example.row, one_line(reason)) for example, reason in unusable])
        quarantine.check_share(limit)

    return set_aside


def _drop_unfinished(worker: Worker) -> None:
    """Remove what a killed attempt exported: until a run has finished, its model folder is whole only by chance."""
    folder = worker.folder.model_folder
    if worker.rank == 0 and folder.exists():
        shutil.rmtree(folder)


def _publish(worker: Worker, plugin: Plugin, card: Card, run: TrainingRun, result: FitResult, columns: Columns) -> None:
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
        input_column=columns.input,
        label_column=columns.label,
        parameters=card.parameters if result.parameters is None else result.parameters,
        metrics=result.metrics,
        options=dict(to_dict(run.options)),
        created_at=time.time(),
        versions=request.versions,
    )
    write_readme(folder, manifest, request, rows=(len(run.train), len(run.eval)))
    _let_the_umask_decide(folder)
    files = tuple(_digested(folder, path) for path in sorted(folder.rglob("*")) if path.is_file())
    named = msgspec.structs.replace(manifest, files=tuple(file for file in files if file.name != "README.md"))
    atomic.write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(named)))


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
