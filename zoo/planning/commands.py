"""The command that begins a training, from the request of its run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from zoo.runs.request import DataRequest, RunRequest


def command_of(request: RunRequest, **changes: Any) -> str:
    """What one would type for a run.

    Args:
        request: of the run.
        **changes: options that are to be others than in the request; None leaves one out.
    """
    words = ["zoo", request.verb, request.model]
    if request.sources:
        for source in request.sources:
            words += ["--source", f"{source.name}={source.data.path}@{source.task}"]
            words += ["--weight", f"{source.name}={source.weight:g}"] if source.weight != 1 else []
            words += ["--teacher", f"{source.name}={source.teacher.model}"] if source.teacher else []
            words += _of_data(source.data, f"{source.name}=", f"{source.name}.")
    else:
        words += ["--data", request.data.path, *_of_data(request.data, "", "")]
        words += ["--teacher", request.teacher.model] if request.teacher else []
        words += ["--task", request.task] if request.task_reason == "" else []
    for name, value in (request.changed_options | changes).items():
        words += _flag(name, value)
    words += [] if request.requested_device == "auto" else ["--device", request.requested_device]
    words += [] if request.requested_precision == "auto" else ["--precision", request.requested_precision]
    words += ["--processes", str(request.processes)] if request.processes > 1 else []
    words += ["--shard"] if request.shard else []
    words += ["--name", request.name] if request.name else []
    return shlex.join(words)


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


def _flag(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag if value else f"--no-{name.replace('_', '-')}"]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]
