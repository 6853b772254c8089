"""From the folder that a training has exported to a model: README and manifest, which is written last."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.card import Card, WeightsFile
from zoo.options import to_dict
from zoo.plugins import Plugin
from zoo.runs.attempt import Worker
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.heads import link_file
from zoo.runs.kept_heads import bring_kept_heads
from zoo.runs.model_card import README, write_readme, write_readme_of_heads, write_readme_of_kept
from zoo.runs.result import HEADS, MANIFEST, OF_ITS_OWN, HeadResult, ResultManifest
from zoo.runs.store import maker_of
from zoo.runs.training_data import TrainingData


def publish(
    worker: Worker, plugin: Plugin, card: Card, run: TrainingRun, result: FitResult, data: Sequence[TrainingData]
) -> None:
    """Make the exported folder a model: its README, and the manifest with the digest of every file, written last.

    Args:
        worker: of the run.
        plugin: that trained.
        card: of the model that the run started from.
        run: as the plugin was given it.
        result: how its fit ended.
        data: of each source.
    """
    folder, request = worker.folder.model_folder, worker.request
    manifest = ResultManifest(
        name=worker.folder.name,
        plugin=plugin.name,
        base=_base_name(card, worker),
        parent=card.name,
        verb=request.verb,
        task=result.task or run.task.name,
        labels=result.labels,
        columns=data[0].columns,
        parameters=card.parameters if result.parameters is None else result.parameters,
        metrics=result.metrics,
        options=dict(to_dict(run.options)),
        created_at=time.time(),
        versions=request.versions,
    )
    if run.sources:
        heads = tuple(_published_heads(worker, manifest, run, result, data))
        manifest = msgspec.structs.replace(manifest, labels=(), columns={}, heads=heads)
        rows = [one.usable_rows for one in data]
        write_readme_of_heads(folder, manifest, request, rows=rows, results=result.sources)
        _let_the_umask_decide(folder)
    elif request.head:
        kept = bring_kept_heads(worker.folder, request, card)
        as_model = msgspec.structs.replace(manifest, name=f"{manifest.name}.{request.head}")
        head = folder / HEADS / request.head
        write_readme(head, as_model, request, rows=data[0].usable_rows, report=result.report)
        learnt = HeadResult(
            name=request.head,
            verb=request.verb,
            task=manifest.task,
            labels=manifest.labels,
            columns=manifest.columns,
            parameters=manifest.parameters,
            metrics=manifest.metrics,
            files=_digested_files(head),
        )
        manifest = msgspec.structs.replace(manifest, labels=(), columns={}, heads=(*kept, learnt))
        write_readme_of_kept(folder, manifest, request)
        _let_the_umask_decide(folder)
    else:
        write_readme(folder, manifest, request, rows=data[0].usable_rows, report=result.report)
        _let_the_umask_decide(folder)
        manifest = msgspec.structs.replace(manifest, files=_digested_files(folder))
    atomic.write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))


def _published_heads(
    worker: Worker, manifest: ResultManifest, run: TrainingRun, result: FitResult, data: Sequence[TrainingData]
) -> Iterator[HeadResult]:
    """The heads of a result, each with a README in its folder."""
    requests = worker.request.sources
    parts = list(zip(requests, run.sources, result.sources, data, strict=True))
    own = [
        (request, of_source, msgspec.structs.replace(outcome, name=name, metrics=outcome.best_metrics), of_data)
        for request, of_source, outcome, of_data in parts
        if (worker.folder.model_folder / HEADS / (name := f"{request.name}{OF_ITS_OWN}")).is_dir()
    ]
    for request, of_source, outcome, of_data in (*parts, *own):
        folder = worker.folder.model_folder / HEADS / outcome.name
        trained_on = worker.folder.of_source(request.name).trained_on_path
        link_file(trained_on, worker.folder.of_source(outcome.name).trained_on_path)
        as_model = msgspec.structs.replace(
            manifest,
            name=f"{manifest.name}.{outcome.name}",
            verb=request.verb,
            task=outcome.task,
            labels=outcome.labels,
            columns=of_data.columns,
            metrics=outcome.metrics,
            options=dict(to_dict(of_source.options)),
        )
        write_readme(folder, as_model, worker.request.of_source(request), rows=of_data.usable_rows, report=())
        _let_the_umask_decide(folder)
        yield HeadResult(
            name=outcome.name,
            verb=request.verb,
            task=outcome.task,
            labels=outcome.labels,
            columns=of_data.columns,
            parameters=outcome.parameters,
            metrics=outcome.metrics,
            files=_digested_files(folder),
        )


def _base_name(card: Card, worker: Worker) -> str:
    """The plugin's card whose architecture the result has; a run's result names its own."""
    parent = maker_of(card.name).model_folder / MANIFEST
    if card.weights is not None and parent.exists():
        return msgspec.json.decode(parent.read_bytes(), type=ResultManifest).base
    return card.name


def _let_the_umask_decide(folder: Path) -> None:
    """Let others read the files as they may read any other; libraries that write through temporary files forbid it."""
    umask = os.umask(0o022)
    os.umask(umask)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o666 & ~umask)


def _digested_files(folder: Path) -> tuple[WeightsFile, ...]:
    """All files of a model's folder but its README."""
    files = (_digested(folder, path) for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(file for file in files if file.name != README)


def _digested(folder: Path, path: Path) -> WeightsFile:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return WeightsFile(name=path.relative_to(folder).as_posix(), sha256=sha256, size_bytes=path.stat().st_size)
