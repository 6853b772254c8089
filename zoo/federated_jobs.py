"""From clients that keep their data, as a person names them, to a request that a worker can carry out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.abilities import choose_ability, offering_models
from zoo.ability_options import parse_options
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.data import Dataset, load, match_labels
from zoo.data.clients import check_count, client_names, clients_in, part_of, rows_by, united
from zoo.data.layout import parts_of
from zoo.errors import DatasetInvalid, InputMismatch, OptionInvalid, Unsupported
from zoo.file_cache import read_once
from zoo.hyperparameters import FederationOptions
from zoo.job_paths import existing
from zoo.jobs import BESIDE, Job, in_plain_types
from zoo.kept_heads import left_behind
from zoo.model_choice import choose_model
from zoo.options import Options, changed, parse, schema, to_dict
from zoo.plugins import load_plugin
from zoo.plurals import with_article
from zoo.privacy import delta_of, is_private, privacy_of
from zoo.requests import setting
from zoo.runs.request import ClientRequest, DataRequest, FederationRequest, RunRequest
from zoo.tasks import get_task
from zoo.tasks.task import Task

_ROUNDS_SAY_SO = "--rounds and --local-epochs say how long clients train, and each round is judged"
OF_ONE_TRAINING = ("epochs", "max_steps", "eval_steps", "folds")
"""Options that say when a training ends, and how it is judged, which rounds say here."""


class Clients(msgspec.Struct, frozen=True, kw_only=True):
    """Who keeps data, as a person says."""

    data: str | os.PathLike[str] | Mapping[str, Any] | None = ""
    """A folder in which each folder or file is of one client; or the data of each, by their names."""
    by: str = ""
    """The column that tells the rows of clients apart, of the data of a job."""


class _ClientSet(NamedTuple):
    """What was found out about the clients of a job."""

    clients: tuple[ClientRequest, ...]
    data: DataRequest
    """Where the data are, and how they are read."""


@read_once()
def federated_request(job: Job, clients: Clients, catalog: Catalog | None = None) -> RunRequest:
    """Check a federated training, the data of every client included.

    Args:
        job: what is asked for; its data are those of all clients, where a column tells these apart.
        clients: who has data.
        catalog: all models, where they are loaded already.

    Raises:
        ZooError: the model, its options, the device or the data of a client cannot serve.
    """
    catalog = catalog or Catalog.load()
    job = in_plain_types(job)
    job = msgspec.structs.replace(job, place=job.place.of_one_node)
    paths = _paths(job, clients)
    source, first = job.source, str(next(iter(paths.values())))
    with _named(next(iter(paths))):
        choice = choose_model(catalog, job.model, "finetune", job.task, first, source.columns, source.separator)
        card = choice.card
        check_federated_model(card, job)
        ability, why = choose_ability(card, "finetune", job.task, first, source.columns, source.separator)
    if not job.task:
        _check_same_task(card, job, ability.task, paths)
    task = get_task(ability.task).divided_at(source.separator).named_by(str(source.classes))
    federation, options = federated_options(card, job, ability)
    with offering_models(card, "finetune", catalog):
        found = _by_column(job, clients.by, card, task) if clients.by else _apart(job, paths, card, task)
    if privacy := privacy_of(options):
        delta_of(privacy, len(found.clients), "clients")
    return RunRequest(
        verb="federate",
        task=ability.task,
        task_reason="; ".join(filter(None, (choice.reason, why, *left_behind(choice, "finetune", options)))),
        data=found.data,
        options=dict(to_dict(options)),
        federation=FederationRequest(clients=found.clients, by=clients.by, options=dict(to_dict(federation))),
        changed_options=changed(federation) | changed(options),
        new_heads=choice.is_new,
        **setting(job, card, catalog, (ability,), (options,)),
    )


def _paths(job: Job, clients: Clients) -> dict[str, Path]:
    """Where data are, by the names of clients; of one file for all, by an empty name.

    Raises:
        OptionInvalid: it is not said, or said twice; or rows are held out that are of no client.
    """
    data = job.source.data
    if clients.data is not None and not isinstance(clients.data, str | os.PathLike | Mapping):
        raise OptionInvalid(
            f"clients is {with_article(type(clients.data).__name__)}, but takes a folder, or a dict",
            'such as {"north": "north.csv", "south": rows}; or give data, and by, the column that tells clients apart',
        )
    if clients.data and (clients.by or data not in (None, "")):
        raise OptionInvalid(
            "--clients says whose data are whose, and so do --data and --by", "give a folder of clients, or the others"
        )
    if isinstance(clients.data, Mapping):
        names = client_names(list(map(str, clients.data)))
        check_count(names, "there are the data")
        paths = {}
        for name, path in zip(names, clients.data.values(), strict=True):
            with _named(name):
                paths[name] = existing(path)
        return paths
    if clients.data:
        return {client.name: client.path for client in clients_in(existing(clients.data))}
    if data in (None, "") or not clients.by:
        missing = "--by, the column that tells their rows apart" if data not in (None, "") else "--clients FOLDER"
        raise OptionInvalid(
            f"nothing says who the clients are: {missing} is missing",
            "zoo federate MODEL --clients FOLDER, or --data FILE --by COLUMN",
        )
    parts = parts_of(existing(data))
    if parts.eval is not None:
        raise OptionInvalid(
            f"--by divides rows that are trained on, and {data} holds others out, in {parts.eval.name}",
            f"use --data {parts.train}, of which each client holds out a share (--eval-share); or --clients with a "
            "folder for each client",
        )
    return {"": parts.train}


def check_federated_model(card: Card, job: Job) -> None:
    """Insist on what can be trained so.

    Raises:
        Unsupported: the plugin trains by itself, or several processes are asked for.
        OptionInvalid: something is asked for that is of other trainings.
    """
    if "body" not in load_plugin(card.plugin).hooks:
        raise Unsupported(
            f"{card.name} cannot be federated: plugin {card.plugin} gives no body, and trains by itself",
            "choose another model: zoo ls lists them",
        )
    if job.place.processes != 1:
        raise Unsupported("clients are simulated in one process, one after the other", "leave --processes out")
    if job.source.teacher:
        raise OptionInvalid("clients learn from their own data alone, and not from a teacher", "leave --teacher out")


def _check_same_task(card: Card, job: Job, task: str, paths: Mapping[str, Path]) -> None:
    """Insist that the data of all clients are for the same.

    Raises:
        DatasetInvalid: those of one are for something else.
    """
    source, (first, *others) = job.source, paths
    for name in others:
        with _named(name):
            own = choose_ability(card, "finetune", "", str(paths[name]), source.columns, source.separator)
        if own.ability.task != task:
            raise DatasetInvalid(
                f"client {first} has data for {task}, and client {name} for {own.ability.task}: clients learn one task",
                "leave one out, or name the task with --task",
            )


def federated_options(
    card: Card, job: Job, ability: Any, others: Iterable[str] = ()
) -> tuple[FederationOptions, Options]:
    """How clients learn together, and the options of the model.

    Args:
        card: of the model.
        job: what is asked for.
        ability: of the model.
        others: names of options of the job that are neither's.

    Raises:
        OptionInvalid: one is out of bounds, not known, or of a training that is not federated.
    """
    known = {name for one in schema(FederationOptions) for name in (one.name, *one.aliases)}
    own = {name: value for name, value in job.options.items() if name in known}
    of_model = {name: value for name, value in job.options.items() if name not in known | {*others}}
    if of_model.get("unit"):
        raise OptionInvalid(
            "--unit says whose a row is, and here a client is the unit: --private protects each with all its rows",
            "leave it out",
        )
    options = parse_options(card, ability, of_model, beside=(*BESIDE, *known, *others, "clients", "by"))
    for name in OF_ONE_TRAINING:
        if name in changed(options):
            raise OptionInvalid(f"--{name.replace('_', '-')} is of a training in one place", _ROUNDS_SAY_SO)
    federation = parse(FederationOptions, own)
    if federation.baseline and is_private(options):
        raise OptionInvalid(
            "--baseline trains on the rows of all without privacy, and its figures would stand in the private model's "
            "README",
            "leave one of them out; zoo compare holds two runs against one another",
        )
    return federation, options


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Let errors about the data of a client name it."""
    try:
        yield
    except (DatasetInvalid, InputMismatch) as error:
        if name:
            error.message = f"client {name}: {error.message}"
        raise


def _apart(job: Job, paths: Mapping[str, Path], card: Card, task: Task) -> _ClientSet:
    """Clients that have data of their own."""
    parts = {name: parts_of(existing(path)) for name, path in paths.items()}
    datasets: list[Dataset] = []
    for name, part in parts.items():
        with _named(name):
            datasets.append(_load(job, part.train, card, task))
    labels, _ = united(datasets, merge=job.source.merge_labels)
    requests = []
    for (name, part), dataset in zip(parts.items(), datasets, strict=True):
        data = client_data(job, part.train, dataset.sha256)
        if part.eval is not None:
            with _named(name):
                held_out = _load(job, part.eval, card, task)
                if task.target:
                    match_labels(held_out, labels, merge=job.source.merge_labels)
            data = msgspec.structs.replace(data, eval_path=str(part.eval), eval_sha256=held_out.sha256)
        requests.append(ClientRequest(name=name, data=data))
    folder = Path(os.path.commonpath([path.parent for path in paths.values()]))
    return _ClientSet(tuple(requests), client_data(job, folder))


def _by_column(job: Job, by: str, card: Card, task: Task) -> _ClientSet:
    """Clients whose rows stand in one file."""
    path = parts_of(existing(job.source.data)).train
    dataset = _load(job, path, card, task)
    rows = rows_by(path, by)
    names = client_names(list(rows))
    check_count(names, f"column {by} of {path} names the rows")
    united([dataset], merge=job.source.merge_labels)
    for name, of_client in zip(names, rows.values(), strict=True):
        part = part_of(dataset, of_client)
        if not part.examples:
            raise DatasetInvalid(
                f"client {name}: none of its rows can be used, the first of them {part.rejected[0].located_reason}"
                if part.rejected
                else f"client {name} has no rows",
                "mend or remove them",
            )
    data = client_data(job, path, dataset.sha256)
    return _ClientSet(
        tuple(ClientRequest(name=name, data=data, value=value) for name, value in zip(names, rows, strict=True)),
        data,
    )


def _load(job: Job, path: Path, card: Card, task: Task) -> Dataset:
    """Data of which not every client need have all labels."""
    return load(path, task, columns=dict(job.source.columns), min_classes=1, trained=card.columns)


def client_data(job: Job, path: Path, sha256: str = "") -> DataRequest:
    source = job.source
    return DataRequest(
        path=str(path),
        sha256=sha256,
        columns=dict(source.columns),
        separator=source.separator,
        classes=str(source.classes),
        merge_labels=source.merge_labels,
    )
