"""The command that begins a training, from the request of its run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import Any

from zoo.planned_results import as_source
from zoo.recipe_writing import teaching_of
from zoo.runs.request import DataRequest, RunRequest, SourceRequest


def command_of(request: RunRequest, **changes: Any) -> str:
    """What one would type for a run.

    Args:
        request: of the run.
        **changes: options that are to be others than in the request; None leaves one out.
    """
    # Of a result whose other heads come along, the result.
    words = ["zoo", request.verb, request.model.rpartition(".")[0] if request.kept else request.model]
    if request.federation is not None:
        words += _of_clients(request)
    elif sources := request.sources or ((as_source(request),) if request.head else ()):
        for source in sources:
            words += _of_source(source)
    else:
        words += ["--data", request.data.path, *_of_data(request.data, "", "")]
        words += ["--teacher", request.teacher.model] if request.teacher else []
        found = request.verb == "pretrain" and request.task_reason  # by its data, which have no targets
        words += [] if found else ["--task", request.task]
    teachers = [one.teacher for one in request.sources or (request,) if one.teacher]
    teaching = {name: value for teacher in teachers for name, value in teaching_of(teacher)}
    changed = {name: "auto" if value is None else value for name, value in request.changed_options.items()}
    words += words_of_options({**changed, **teaching, **changes})
    words += [] if request.requested_device == "auto" else ["--device", request.requested_device]
    words += [] if request.requested_precision == "auto" else ["--precision", request.requested_precision]
    words += ["--processes", str(request.processes)] if request.processes > 1 else []
    words += ["--nodes", str(request.nodes)] if request.nodes > 1 else []
    words += ["--shard"] if request.shard else []
    words += ["--on", request.place] if request.place else []
    words += ["--requeue"] if request.requeue else []
    words += ["--name", request.name] if request.name else []
    return shlex.join(words)


def words_of_options(options: dict[str, Any]) -> Iterator[str]:
    """The flags that options are set by; those that are None are left out.

    Args:
        options: values by the names of options.
    """
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        elif value is not None:
            yield from (f"--{flag}", ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _of_source(source: SourceRequest) -> Iterator[str]:
    yield from ("--source", f"{source.name}={source.data.path}@{source.task}")
    yield from ("--weight", f"{source.name}={source.weight}") if source.weight != 1 else ()
    yield from ("--teacher", f"{source.name}={source.teacher.model}") if source.teacher else ()
    yield from _of_data(source.data, f"{source.name}=", f"{source.name}.")


def _of_clients(request: RunRequest) -> Iterable[str]:
    federation = request.federation
    by = federation.by if federation else ""
    where = ("--data", request.data.path, "--by", by) if by else ("--clients", request.data.path)
    return (*where, *_of_data(request.data, "", ""), "--task", request.task)


def _of_data(data: DataRequest, of_source: str, role_of_source: str) -> Iterator[str]:
    """The flags beside `--data`, or beside a `--source`."""
    if data.eval_path:
        yield from ("--eval", f"{of_source}{data.eval_path}")
    for role, name in data.columns.items():
        yield from ("--column", f"{role_of_source}{role}={name}")
    if data.separator:
        yield from ("--separator", f"{of_source}{data.separator}")
    if data.classes:
        yield from ("--classes", f"{of_source}{data.classes}")
    if data.merge_labels:
        yield from ("--merge-labels-of", of_source.rstrip("=")) if of_source else ("--merge-labels",)
