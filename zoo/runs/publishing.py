"""From the folder that a training has exported to a model: README and manifest, which is written last."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo import atomic
from zoo.blocks import Report, part_of
from zoo.card import Card, WeightsFile
from zoo.hyperparameters import DataOptions
from zoo.options import to_dict
from zoo.plugins import Plugin
from zoo.runs.attempt import Worker
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.heads import link_file
from zoo.runs.kept_heads import bring_kept_heads
from zoo.runs.model_card import README, write_readme, write_readme_of_heads
from zoo.runs.request import RunRequest
from zoo.runs.result import CALIBRATION, HEADS, MANIFEST, OF_ITS_OWN, HeadResult, ResultManifest
from zoo.runs.source_facts import SourceResult
from zoo.runs.store import maker_of
from zoo.runs.training_data import TrainingData


def publish(
    worker: Worker, plugin: Plugin, card: Card, run: TrainingRun, result: FitResult, data: Sequence[TrainingData]
) -> ResultManifest:
    """Make the exported folder a model: its README, and the manifest with the digest of every file, written last.

    Args:
        worker: of the run.
        plugin: that trained.
        card: of the model that the run started from.
        run: as the plugin was given it.
        result: how its fit ended.
        data: of each source.

    Returns:
        The manifest.
    """
    folder, request = worker.folder.model_folder, worker.request
    manifest = ResultManifest(
        name=worker.folder.name,
        plugin=plugin.name,
        base=base_name(card),
        parent=card.name,
        verb=request.verb,
        task=result.task or run.task.name,
        labels=result.labels,
        columns=data[0].columns,
        parameters=card.parameters if result.parameters is None else result.parameters,
        metrics=result.metrics,
        intervals={name: (one.low, one.high) for name, one in result.intervals.items()},
        options=dict(to_dict(run.options)),
        created_at=time.time(),
        versions=request.versions,
    )
    if run.sources or request.head:
        kept = bring_kept_heads(worker.folder, request, card) if request.kept else ()
        learnt = _learnt(worker, manifest, run, result, data)
        heads = tuple(_published(worker, manifest, one) for one in learnt)
        manifest = msgspec.structs.replace(manifest, labels=(), columns={}, heads=(*kept, *heads))
        describe_heads(worker, manifest, result, data)
        let_the_umask_decide(folder)
    else:
        write_readme(folder, manifest, request, rows=rows_of(data), report=result.report)
        let_the_umask_decide(folder)
        manifest = msgspec.structs.replace(manifest, files=digested_files(folder))
    atomic.write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def rows_of(data: Sequence[TrainingData]) -> tuple[int, int]:
    """Rows that were trained and evaluated on, of all these data."""
    return sum(one.usable_rows[0] for one in data), sum(one.usable_rows[1] for one in data)


def describe_heads(
    worker: Worker, manifest: ResultManifest, result: FitResult, data: Sequence[TrainingData], report: Report = ()
) -> None:
    """Write the README of a result with several heads.

    Args:
        worker: of the run.
        manifest: of the result.
        result: how the fit ended.
        data: of each source.
        report: on all sources together.
    """
    rows = [one.usable_rows for one in data]
    folder, request = worker.folder.model_folder, worker.request
    write_readme_of_heads(folder, manifest, request, rows=rows, results=result.sources, report=report)


class _Learnt(NamedTuple):
    """What a training has learnt that becomes one of the heads of a result."""

    outcome: SourceResult
    request: RunRequest
    options: DataOptions
    data: TrainingData
    report: Report = ()


def _learnt(
    worker: Worker, manifest: ResultManifest, run: TrainingRun, result: FitResult, data: Sequence[TrainingData]
) -> list[_Learnt]:
    """The heads of a training: that of each source, and then those that are kept of the best step of a source."""
    request = worker.request
    if request.head:
        outcome = SourceResult(
            name=request.head,
            task=manifest.task,
            labels=manifest.labels,
            parameters=manifest.parameters,
            metrics=manifest.metrics,
        )
        return [_Learnt(outcome, request, run.options, data[0], result.report)]
    parts = [
        _Learnt(outcome, request.of_source(source), of_source.options, of_data, part_of(result.report, source.name))
        for source, of_source, outcome, of_data in zip(request.sources, run.sources, result.sources, data, strict=True)
    ]
    own = []
    for part in parts:
        name = f"{part.outcome.name}{OF_ITS_OWN}"
        if (worker.folder.model_folder / HEADS / name).is_dir():
            trained_on = worker.folder.of_source(part.outcome.name).trained_on_path
            link_file(trained_on, worker.folder.of_source(name).trained_on_path)
            own.append(
                part._replace(
                    outcome=msgspec.structs.replace(part.outcome, name=name, metrics=part.outcome.best_metrics),
                    report=(),
                )
            )
    return parts + own


def _published(worker: Worker, manifest: ResultManifest, learnt: _Learnt) -> HeadResult:
    """Write the README of a head into its folder; returns what the manifest says of it."""
    outcome, folder = learnt.outcome, worker.folder.model_folder / HEADS / learnt.outcome.name
    as_model = msgspec.structs.replace(
        manifest,
        name=f"{manifest.name}.{outcome.name}",
        verb=learnt.request.verb,
        task=outcome.task,
        labels=outcome.labels,
        columns=learnt.data.columns,
        parameters=outcome.parameters,
        metrics=outcome.metrics,
        intervals=_of_source(manifest.intervals, outcome.name) if outcome.metrics else {},
        options=dict(to_dict(learnt.options)),
    )
    write_readme(folder, as_model, learnt.request, rows=learnt.data.usable_rows, report=learnt.report)
    let_the_umask_decide(folder)
    return HeadResult(
        name=outcome.name,
        verb=as_model.verb,
        task=as_model.task,
        labels=as_model.labels,
        columns=as_model.columns,
        parameters=as_model.parameters,
        metrics=as_model.metrics,
        files=digested_files(folder),
    )


def _of_source(intervals: dict[str, tuple[float, float]], name: str) -> dict[str, tuple[float, float]]:
    """Those of the figures of one of several sources, under the names of its metrics."""
    before = f"{name}."
    return {metric.removeprefix(before): one for metric, one in intervals.items() if metric.startswith(before)}


def base_name(card: Card) -> str:
    """The plugin's card whose architecture the result has; a run's result names its own."""
    parent = maker_of(card.name).model_folder / MANIFEST
    if card.weights is not None and parent.exists():
        return msgspec.json.decode(parent.read_bytes(), type=ResultManifest).base
    return card.name


def let_the_umask_decide(folder: Path) -> None:
    """Let others read the files as they may read any other; libraries that write through temporary files forbid it."""
    umask = os.umask(0o022)
    os.umask(umask)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o666 & ~umask)


def digested_files(folder: Path) -> tuple[WeightsFile, ...]:
    """All files of a model's folder but those that may change: its README and its calibration."""
    files = (_digested(folder, path) for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(file for file in files if file.name not in (README, CALIBRATION))


def _digested(folder: Path, path: Path) -> WeightsFile:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return WeightsFile(name=path.relative_to(folder).as_posix(), sha256=sha256, size_bytes=path.stat().st_size)
