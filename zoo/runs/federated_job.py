"""A federated training, simulated: clients with data of their own in, one model folder out."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from zoo import atomic
from zoo.card import Card
from zoo.data import Dataset, load
from zoo.data.clients import lone_labels, part_of, rows_by, united
from zoo.data.example import Columns
from zoo.data.splitting import input_key
from zoo.errors import DatasetInvalid, ZooError
from zoo.errors import RunCancelled as RunCancelledError
from zoo.file_cache import release
from zoo.hyperparameters import DataOptions, FederationOptions
from zoo.kinds.spelling import quoted
from zoo.options import parse
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.checkpoints import newest_step
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, DataLoaded, Noted, RunCancelled, RunStarted, Warned
from zoo.runs.federated_baseline import compare_with_baselines, train_baselines
from zoo.runs.federation import prepare
from zoo.runs.log import read_events
from zoo.runs.model_card import README, write_readme
from zoo.runs.preparation import fetch_weights
from zoo.runs.publishing import publish, rows_of
from zoo.runs.quarantine import check_digest
from zoo.runs.request import ClientRequest
from zoo.runs.store import RunFolder
from zoo.runs.trained_on import record
from zoo.runs.training_data import ClientRows, load_training_data
from zoo.runs.training_job import Part, finished, fitted, list_mistakes, run_of
from zoo.tasks.task import Task


def federate(worker: Worker) -> AnyEvent:
    """Do a federated run; returns the event that ends it."""
    request = worker.request
    plugin, card, task, options, federation = prepare(worker)
    labels, parts = _load_clients(worker, card, task, options)
    _report(worker, labels, parts)
    release()
    weights = fetch_weights(worker, card)
    run = _whole(worker, labels, parts, card, weights)
    baseline = federation.baseline and not request.dry_run
    result = fitted(plugin, "finetune", run)
    if result.cancelled or (baseline and not train_baselines(worker, plugin, run, result.sources)):
        return RunCancelled(step=result.step)
    report = result.report
    if not request.dry_run:
        data, readme = [part.data for part in parts], worker.folder.model_folder / README
        of_plugin = readme.read_bytes() if readme.exists() else b""
        manifest = publish(worker, plugin, card, run, result, data)
        if task.has_mistakes and run.eval:
            list_mistakes(worker, task, run.eval)
        if baseline:
            report = (*compare_with_baselines(worker, plugin, run, result.sources), *report)
            atomic.write_bytes(readme, of_plugin)
            write_readme(worker.folder.model_folder, manifest, request, rows=rows_of(data), report=report)
    return finished(result, report)


def _load_clients(worker: Worker, card: Card, task: Task, options: DataOptions) -> tuple[tuple[str, ...], list[Part]]:
    """The labels of all clients, and the data of each that has any which can be used.

    Raises:
        DatasetInvalid: no client has, or a resumed run does not find what it was begun with.
    """
    begun = begun_with(worker.folder)
    trained = {} if worker.request.new_heads else card.columns
    read = partial(_read, worker, task, trained)
    federation = worker.request.federation
    assert federation is not None
    clients, datasets = _kept(worker, begun, federation.clients, _groups(worker, task, trained) or read)
    labels, datasets = united(datasets, merge=worker.request.data.merge_labels)
    rows = {client.name: ClientRows(one, labels) for client, one in zip(clients, datasets, strict=True)}

    def load_part(client: ClientRequest) -> Part:
        own = worker.of_client(client)
        return Part(own, "finetune", task, options, load_training_data(own, task, options, trained, rows[client.name]))

    clients, parts = _kept(worker, begun, clients, load_part)
    for label, name in lone_labels([one.name for one in clients], [rows[one.name].dataset for one in clients]).items():
        worker.emit(Noted(message=f"{name} alone has rows of {quoted(label)}"))
    return labels, parts


def begun_with(folder: RunFolder) -> frozenset[str] | None:
    """Names of the clients that a resumed run was begun with, by the attempt that began; None for one that begins."""
    if newest_step(folder.checkpoints_folder) is None:
        return None
    names: set[str] = set()
    for event in read_events(folder)[0]:
        if isinstance(event, RunStarted) and event.resumed_from_step is None:
            names.clear()
        elif isinstance(event, DataLoaded):
            names.add(event.source)
    return frozenset(names)


_Made = TypeVar("_Made")


def _kept(
    worker: Worker,
    begun: frozenset[str] | None,
    clients: Sequence[ClientRequest],
    make: Callable[[ClientRequest], _Made],
) -> tuple[list[ClientRequest], list[_Made]]:
    """What is made of each client, without those of which nothing can be made: these are left out, and told.

    Raises:
        DatasetInvalid: there are none.
    """
    kept: list[ClientRequest] = []
    values: list[_Made] = []
    reasons: list[str] = []
    for client in clients:
        if begun is not None and client.name not in begun:
            continue
        try:
            values.append(make(client))
        except ZooError as error:
            if begun is not None or isinstance(error, RunCancelledError):
                raise
            reasons.append(f"{client.name} is left out: {error.message}")
            worker.emit(Warned(message=reasons[-1]))
        else:
            kept.append(client)
    if not kept:
        raise DatasetInvalid(f"no client has data that can be used; {reasons[0]}", "zoo data inspect says more of data")
    return kept, values


def _read(worker: Worker, task: Task, trained: Columns, client: ClientRequest) -> Dataset:
    """The data of a client that has its own, which must be as it was when the run was asked for."""
    data = client.data
    dataset = load(data.path, task, columns=data.columns, min_classes=1, trained=trained)
    check_digest(data.path, dataset.sha256, data.sha256, dataset.names_file)
    return dataset


def _groups(worker: Worker, task: Task, trained: Columns) -> Callable[[ClientRequest], Dataset] | None:
    """What gives the rows of a client among those of all; None where each has data of its own."""
    federation, data = worker.request.federation, worker.request.data
    if federation is None or not federation.by:
        return None
    dataset = load(data.path, task, columns=data.columns, min_classes=1, trained=trained)
    check_digest(data.path, dataset.sha256, data.sha256, dataset.names_file)
    rows = rows_by(Path(data.path), federation.by)
    whole = len(dataset.examples) + len(dataset.rejected)
    if without := whole - sum(map(len, rows.values())):
        worker.emit(Warned(message=f"{counted(without, 'row')} of no client: column {federation.by} is empty there"))

    def group(client: ClientRequest) -> Dataset:
        part = part_of(dataset, rows.get(client.value, ()))
        if not part.examples:
            raise DatasetInvalid(f"none of its {counted(len(part.rejected), 'row')} can be used", "")
        return part

    return group


def _report(worker: Worker, labels: tuple[str, ...], parts: Sequence[Part]) -> None:
    """Tell what all clients have, keep which inputs are trained on, and warn where one is held out by another."""
    data = [part.data for part in parts]
    owners: dict[bytes, set[int]] = defaultdict(set)
    for number, one in enumerate(data):
        for example in one.train:
            owners[input_key(example)].add(number)
    record(worker.folder, owners)
    shared = sum(
        bool(owners.get(input_key(example), frozenset()) - {number})
        for number, one in enumerate(data)
        for example in one.eval
    )
    if shared:
        worker.emit(
            Warned(
                message=f"{counted(shared, 'held-out row', 'have')} an input that another client trains on: "
                "figures of all clients together are too good by these"
            )
        )
    worker.emit(
        DataLoaded(
            train_rows=sum(len(one.train) for one in data),
            eval_rows=sum(len(one.eval) for one in data),
            rejected_rows=sum(len(one.quarantine) for one in data),
            labels=labels,
            columns=data[0].columns,
            sha256=worker.request.data.sha256,
        )
    )


def _whole(
    worker: Worker, labels: tuple[str, ...], parts: Sequence[Part], card: Card, weights: Path | None
) -> TrainingRun:
    """The clients as one run, whose rows are those of all."""
    federation = worker.request.federation
    assert federation is not None
    runs = [dataclasses.replace(run_of(worker, part, card, weights), labels=labels) for part in parts]
    return dataclasses.replace(
        runs[0],
        source="",
        train=tuple(example for run in runs for example in run.train),
        eval=tuple(example for run in runs for example in run.eval),
        emit=worker.emit,
        clients=tuple(runs),
        federation=parse(FederationOptions, federation.options),
    )
