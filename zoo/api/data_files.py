"""Data that Python holds become files, which a run reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from zoo.abilities import ability_verb
from zoo.catalog import Catalog
from zoo.data.in_memory import is_in_memory, write
from zoo.errors import OptionInvalid, ZooError
from zoo.federated_jobs import Clients
from zoo.jobs import Job
from zoo.model_choice import choose_model
from zoo.runs import store
from zoo.sources import Source
from zoo.tasks import get_task

_DATA_FIELDS = ("data", "eval_data")


@contextmanager
def data_as_files(job: Job, catalog: Catalog) -> Iterator[tuple[Job, Path | None]]:
    """The job with files in place of data that Python holds, and the folder of these files until a run takes them.

    Args:
        job: what is asked for.
        catalog: all models.

    Raises:
        ZooError: there is no such model, or the data are none that can be written down.
    """
    with _as_files((job.source, *job.others), job, catalog) as ((first, *others), folder):
        yield msgspec.structs.replace(job, source=first, others=tuple(others)), folder


@contextmanager
def client_data_as_files(job: Job, clients: Clients, catalog: Catalog) -> Iterator[tuple[Job, Clients, Path | None]]:
    """The same of a job over clients that keep their data, and of what each of them has.

    Args:
        job: what is asked for.
        clients: who has data.
        catalog: all models.

    Raises:
        ZooError: there is no such model, or the data are none that can be written down.
    """
    of_clients = clients.data if isinstance(clients.data, Mapping) else {}
    named = [Source(name=str(name), data=data) for name, data in of_clients.items()]
    with _as_files((job.source, *named), job, catalog) as ((first, *others), folder):
        if of_clients:
            data = {name: source.data for name, source in zip(of_clients, others, strict=True)}
            clients = msgspec.structs.replace(clients, data=data)
        yield msgspec.structs.replace(job, source=first), clients, folder


@contextmanager
def _as_files(sources: Sequence[Source], job: Job, catalog: Catalog) -> Iterator[tuple[Sequence[Source], Path | None]]:
    """Sources with files in place of data that Python holds, and the folder of these files until a run takes them."""
    if not any(is_in_memory(getattr(source, field)) for source in sources for field in _DATA_FIELDS):
        yield sources, None
        return
    if not job.model and not job.task:
        raise OptionInvalid(
            "data that Python holds do not say what shall be learnt of them", "add a task; zoo tasks lists them"
        )
    if not job.model:
        with _written(sources, job.task) as written:
            yield written
        return
    verb = ability_verb(job.verb)
    names = [source.name for source in (job.source, *job.others) if source.name]
    card = choose_model(catalog, job.model, job.verb, job.task, sources=names).card
    usual = card.ability(verb, job.task or next(iter(card.tasks_of(verb)), "")).task
    with _written(sources, usual) as written:
        yield written


@contextmanager
def _written(sources: Sequence[Source], usual: str) -> Iterator[tuple[Sequence[Source], Path | None]]:
    """The same, for a task where a source does not say one."""
    paths: dict[str, Path] = {}
    with store.new_data_folder() as folder:
        try:
            several = len(sources) > 1
            yield (
                [
                    _source_as_files(source, f"{number}-" if several else "", usual, folder, paths)
                    for number, source in enumerate(sources, start=1)
                ],
                folder,
            )
        except ZooError as error:  # nobody but us has seen these files
            for name, path in paths.items():
                error.message = error.message.replace(str(path), name)
                if str(path) in error.hint:
                    error.hint = "write the data to a file: zoo data inspect FILE says more"
            raise


def _source_as_files(source: Source, prefix: str, usual_task: str, folder: Path, paths: dict[str, Path]) -> Source:
    """A source with files in place of data that Python holds.

    Args:
        source: as a person gives it.
        prefix: of the names of these files.
        usual_task: what the data are for where the source does not say.
        folder: of the files.
        paths: where they are by what the data are called in messages; the new ones are added.
    """
    task = get_task(source.task or usual_task)
    written: dict[str, Path] = {}
    for field in _DATA_FIELDS:
        if is_in_memory(data := getattr(source, field)):
            name = " of ".join(filter(None, (field.replace("_", " "), source.name)))
            try:
                paths[name] = written[field] = write(data, folder, f"{prefix}{field}", task)
            except ZooError as error:
                error.message = f"{source.name}: {error.message}" if source.name else error.message
                raise
    return msgspec.structs.replace(source, **written)
