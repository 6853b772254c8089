"""Runs that are checked, put into the store and started."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.api.data_files import client_data_as_files, data_as_files
from zoo.api.run import Run
from zoo.catalog import Catalog
from zoo.errors import OptionInvalid, Unsupported, ZooError
from zoo.federated_jobs import Clients, federated_request
from zoo.file_cache import read_once
from zoo.jobs import NOW, Job
from zoo.options import read
from zoo.pick_jobs import pick_request
from zoo.places.shared import check_shared
from zoo.places.table import declared_place
from zoo.planned_results import beginning_from, with_result_of
from zoo.recipe_writing import add_follower, write_recipe
from zoo.requests import request_of
from zoo.runs import sequence, status, store
from zoo.runs.launcher import launch, launch_shards
from zoo.runs.request import RunRequest
from zoo.runs.store import RunFolder
from zoo.shard_jobs import shard_requests
from zoo.site_jobs import Joining, Serving, joining_request, serving_request, terms_of
from zoo.sites.addresses import listening_address
from zoo.sites.certificates import fingerprint_of, make_certificate
from zoo.sites.secrets import secrets_of
from zoo.sites.tokens import keep_digests, make_tokens


class Served(NamedTuple):
    """A federation whose server runs."""

    run: Run
    tokens: dict[str, str]
    """Of each client; they are kept nowhere."""
    fingerprint: str
    """Of the server's certificate, which clients are told."""


@read_once()
def start_job(job: Job, after: Run | None = None) -> Run:
    """Check a job, put its request into the store and start its worker.

    Args:
        job: what is asked for.
        after: the run whose result it begins from, where that is one.
    """
    catalog, now = Catalog.load(), bool(read(NOW, job.place.now))
    if after is not None:
        catalog = with_result_of(catalog, after.folder)
    with data_as_files(job, catalog) as (file_job, folder):
        request = request_of(file_job, catalog)
        if after is not None:
            request = beginning_from(request, after.folder.request)
        return start(request, folder, after, now=now)


@read_once()
def start_shards(job: Job) -> tuple[Run, ...]:
    """The same of a batch prediction whose rows several runs answer; the last joins their answers.

    Where one run answers all of them there is that alone.
    """
    catalog, now = Catalog.load(), bool(read(NOW, job.place.now))
    with data_as_files(job, catalog) as (file_job, folder):
        requests = shard_requests(file_job, catalog)
        if len(requests) == 1:
            return (start(requests[0], folder, now=now),)
        if folder is not None:
            raise OptionInvalid("shards divide the rows of a file, and these data are none", "write them to a file")
        return start_divided(requests, now=now)


@read_once()
def start_federated(job: Job, clients: Clients) -> Run:
    """The same of a training over clients that keep their data."""
    catalog = Catalog.load()
    with client_data_as_files(job, clients, catalog) as (file_job, file_clients, folder):
        request = federated_request(file_job, file_clients, catalog)
        return start(request, folder, now=bool(read(NOW, job.place.now)))


@read_once()
def start_picking(job: Job, picking: Mapping[str, Any]) -> Run:
    """The same of a job that picks one of several models."""
    catalog = Catalog.load()
    with data_as_files(job, catalog) as (file_job, folder):
        request = pick_request(file_job, picking, catalog)
        return start(request, folder, now=bool(read(NOW, job.place.now)))


@read_once()
def start_serving(job: Job, serving: Serving, catalog: Catalog | None = None) -> Served:
    """Check a federation, put its request into the store and start its server."""
    request = serving_request(job, serving, catalog)
    assert request.federation is not None
    assert request.federation.serving is not None
    of_run = request.federation.serving
    tokens = make_tokens(of_run.clients)
    prints: list[str] = []

    def prepare(folder: RunFolder) -> None:
        secrets = secrets_of(folder.path)
        keep_digests(secrets.digests, tokens)
        certificate = Path(of_run.certificate) if of_run.certificate else secrets.certificate
        if not of_run.certificate:
            make_certificate(certificate, secrets.key, listening_address(of_run.address).host)
        prints.append(fingerprint_of(certificate.read_text()))

    run = start(request, now=bool(read(NOW, job.place.now)), prepare=prepare)
    return Served(run, tokens, prints[0])


@read_once()
def start_joining(job: Job, joining: Joining) -> Run:
    """Ask a server what is learnt, check the data for it, and start a client."""
    catalog, terms = Catalog.load(), terms_of(joining)
    job = msgspec.structs.replace(job, model=joining.model or terms.model, task=terms.task)
    with data_as_files(job, catalog) as (file_job, folder):
        request = joining_request(file_job, joining, terms, catalog)
        return start(
            request,
            folder,
            now=bool(read(NOW, job.place.now)),
            prepare=lambda run: secrets_of(run.path).keep_token(joining.token),
        )


def start(
    request: RunRequest,
    data_folder: Path | None = None,
    after: Run | None = None,
    *,
    now: bool = False,
    prepare: Callable[[RunFolder], None] = lambda folder: None,
) -> Run:
    """Put a request into the store and start its worker.

    Args:
        request: what the run does.
        data_folder: files that the run takes into its own folder, where its data are among them.
        after: the run that has to finish before; None to start at once.
        now: do not wait for the runs that compute on the same accelerator; of one that starts at once.
        prepare: puts into the folder of the run what is no part of its request; without it there is no run.
    """
    _check_reachable(request)
    if after is not None and status.read(after.folder).status != "finished":
        _check_begun_there(request, after.folder.request, after.name)
    folder = store.create(request, data_folder)
    try:
        prepare(folder)
    except BaseException:
        store.delete(folder)
        raise
    if request.verb in ("pretrain", "finetune", "sweep"):
        write_recipe(folder)
    if after is None:
        _launch(folder, now=now)
    else:
        sequence.postpone(folder, after.folder, now=now)
        with contextlib.suppress(ZooError, OSError):  # it is under way: not worth failing for a line in a recipe
            add_follower(after.folder, folder)
    return Run(folder)


def start_divided(requests: Sequence[RunRequest], *, now: bool = False) -> tuple[Run, ...]:
    """Put the requests of shards, and of the run that joins them, into the store, and start them: one after the other,
    or, where they are for a place, all at once there, with a run of this machine that waits for them.

    Args:
        requests: with names; the last is of the run that joins the others.
        now: let the first not wait for the runs that compute on the same accelerator.
    """
    *shards, joining = requests
    if not shards[0].place:
        return start_sequence(requests, now=now)
    _check_reachable(shards[0])
    folders: list[RunFolder] = []
    try:
        for request in (joining, *shards):
            folders.append(store.create(request))
        launch_shards(folders[0], folders[1:])
    except BaseException:
        for folder in folders:
            with contextlib.suppress(ZooError):  # a worker that was cancelled may write there yet
                store.delete(folder)
        raise
    try:
        launch(folders[0], now=now)
    except ZooError as error:
        go_on = f"its shards go on at place {shards[0].place}; zoo resume {folders[0].name} joins them"
        error.hint = "; ".join(filter(None, (error.hint, go_on)))
        raise
    return tuple(map(Run, (*folders[1:], folders[0])))


def _check_reachable(request: RunRequest) -> None:
    """Insist that the place of a run, where it has one, sees all files that the run reads and writes.

    Raises:
        Unsupported: one is not in the folder that both sides share.
    """
    if place := request.place or next((one.training.place for one in request.students), ""):
        check_shared(declared_place(place).settings, place, request.files)


def _check_begun_there(request: RunRequest, before: RunRequest, name: str) -> None:
    """Insist on a follower that the worker of the run before can begin, where that is at a place.

    Args:
        request: of the follower.
        before: request of the run before.
        name: of that run.

    Raises:
        Unsupported: it would end with the job that it is begun in, or cannot be handed over from there.
    """
    if not before.place:
        return
    what, wait = f"what follows run {name} is begun from place {before.place}", f"wait for its end: zoo attach {name}"
    if not request.place:
        raise Unsupported(f"{what}, and this is to run here", f"let it run there, too, with --on; or {wait}")
    kind, other = declared_place(before.place).kind, declared_place(request.place).kind
    if not kind.reached_from_within or other.name != kind.name:
        raise Unsupported(f"{what}, from which nothing is handed over to place {request.place}", wait)


def _launch(folder: RunFolder, *followers: RunFolder, now: bool) -> None:
    """Start a run; where its place does not take it, there is none, and none of those that follow it."""
    try:
        launch(folder, now=now)
    except ZooError:
        for one in (folder, *followers) if folder.request.place else ():
            store.delete(one)
        raise


def start_sequence(requests: Sequence[RunRequest], *, now: bool = False) -> tuple[Run, ...]:
    """Put the requests of runs that follow one another into the store and start the worker of the first.

    Args:
        requests: with names; each but the first begins from the result of the one before.
        now: let the first not wait for the runs that compute on the same accelerator.
    """
    for request in requests:
        _check_reachable(request)
    for earlier, request in pairwise(requests):
        _check_begun_there(request, earlier, earlier.name)
    folders: list[RunFolder] = []
    try:
        for place, request in enumerate(requests, start=1):
            folders.append(store.create(request))
            if request.verb in ("pretrain", "finetune"):
                write_recipe(folders[-1], requests[place:])
        for before, folder in pairwise(folders):
            sequence.postpone(folder, before)
    except ZooError:
        for folder in folders:
            store.delete(folder)
        raise
    _launch(*folders, now=now)
    return tuple(map(Run, folders))
