"""Runs that are checked, put into the store and started."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from zoo.api.data_files import client_data_as_files, data_as_files
from zoo.api.run import Run
from zoo.catalog import Catalog
from zoo.errors import ZooError
from zoo.federated_jobs import Clients, federated_request
from zoo.file_cache import read_once
from zoo.jobs import NOW, Job
from zoo.options import read
from zoo.planned_results import beginning_from, with_result_of
from zoo.recipe_writing import add_follower, write_recipe
from zoo.requests import request_of
from zoo.runs import sequence, store
from zoo.runs.launcher import launch
from zoo.runs.request import RunRequest
from zoo.runs.store import RunFolder


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
def start_federated(job: Job, clients: Clients) -> Run:
    """The same of a training over clients that keep their data."""
    catalog = Catalog.load()
    with client_data_as_files(job, clients, catalog) as (file_job, file_clients, folder):
        request = federated_request(file_job, file_clients, catalog)
        return start(request, folder, now=bool(read(NOW, job.place.now)))


def start(request: RunRequest, data_folder: Path | None = None, after: Run | None = None, *, now: bool = False) -> Run:
    """Put a request into the store and start its worker.

    Args:
        request: what the run does.
        data_folder: files that the run takes into its own folder, where its data are among them.
        after: the run that has to finish before; None to start at once.
        now: do not wait for the runs that compute on the same accelerator; of one that starts at once.
    """
    folder = store.create(request, data_folder)
    if request.verb in ("pretrain", "finetune"):
        write_recipe(folder)
    if after is None:
        launch(folder, now=now)
    else:
        sequence.postpone(folder, after.folder, now=now)
        with contextlib.suppress(ZooError, OSError):  # it is under way: not worth failing for a line in a recipe
            add_follower(after.folder, folder)
    return Run(folder)


def start_sequence(requests: Sequence[RunRequest], *, now: bool = False) -> tuple[Run, ...]:
    """Put the requests of runs that follow one another into the store and start the worker of the first.

    Args:
        requests: with names; each but the first begins from the result of the one before.
        now: let the first not wait for the runs that compute on the same accelerator.
    """
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
    launch(folders[0], now=now)
    return tuple(map(Run, folders))
