"""What runs were asked to do, as settings by name, and those that are not the same for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.comparison.result import Setting
from zoo.comparison.subjects import Subject
from zoo.runs.events import RunPlanned
from zoo.runs.request import DataRequest, RunRequest, TeacherRequest

ABSENT = "-"
"""Stands where a run has no such setting."""
DIGEST_DIGITS = 12
PLANNED = ("epochs", "steps", "batch_size", "micro_batch_size", "lr", "trainable_parameters")
"""What a run settles on where it is left open, by its names in `RunPlanned`."""


def differing_settings(subjects: Sequence[Subject]) -> tuple[Setting, ...]:
    """The settings in which some of the runs among them differ, in the order of what runs are asked for."""
    each = [settings_of(subject) for subject in subjects]
    runs = [settings for settings in each if settings]
    names = dict.fromkeys(name for settings in runs for name in settings)
    return tuple(
        Setting(name, tuple(settings.get(name, ABSENT) for settings in each))
        for name in names
        if len({settings.get(name, ABSENT) for settings in runs}) > 1
    )


def settings_of(subject: Subject) -> dict[str, str]:
    """All settings of a run by their names; a model that comes with a plugin has none."""
    if subject.request is None:
        return {}
    return settings_of_request(subject.request, subject.snapshot.plan if subject.snapshot else None)


def settings_of_request(request: RunRequest, plan: RunPlanned | None) -> dict[str, str]:
    """All settings of a run by their names.

    Args:
        request: what was asked for.
        plan: what it settled on where that was left open; None where it has not, yet.
    """
    return {name: _text(value) for name, value in _settings(request, plan)}


def _settings(request: RunRequest, plan: RunPlanned | None) -> Iterator[tuple[str, Any]]:
    yield "verb", request.verb
    yield "model", request.subject
    if request.verb == "pick":
        yield "models", ", ".join(student.training.model for student in request.students)
    yield "task", request.task
    yield from _of_data("", request.data)
    yield from _of_teacher("", request.teacher)
    planned = {name: value for name in PLANNED if (value := getattr(plan, name))} if plan else {}
    for name, value in request.options.items():
        settled = planned.pop(name, None)
        yield _flag(name), settled if value is None and settled is not None else value
    for name, value in planned.items():
        yield _flag(name), value
    for source in request.sources:
        yield f"{source.name}: task", source.task
        yield f"{source.name}: weight", source.weight
        yield from _of_data(f"{source.name}: ", source.data)
        yield from _of_teacher(f"{source.name}: ", source.teacher)
        yield from _named(source.options, f"{source.name}: ")
    federation = request.federation
    if federation is not None:
        yield "clients", ", ".join(client.name for client in federation.clients)
        yield from _named(federation.options)
    yield from _named({**request.mixing, **request.shrinking, **request.auditing, **request.picking})
    yield from (("sweep: " + name, value) for name, value in _named(request.sweeping))
    for name, varied in request.vary.items():
        yield f"varies: {_flag(name)}", list(varied.values()) if isinstance(varied, dict) else varied
    yield "device", request.device
    yield "precision", request.precision
    yield "processes", request.processes
    yield "nodes", request.nodes
    yield "sharded", request.shard
    yield "wrapping plugins", ", ".join(request.wrappers or ())
    for name, version in request.versions.items():
        yield f"version of {name}", version


def _of_data(before: str, data: DataRequest) -> Iterator[tuple[str, Any]]:
    yield f"{before}data", _file(data.path, data.sha256)
    yield f"{before}evaluation data", _file(data.eval_path, data.eval_sha256) if data.eval_path else "a share held out"
    for role, column in data.columns.items():
        yield f"{before}column of {role}", column
    yield f"{before}separator", data.separator
    yield f"{before}classes", Path(data.classes).name
    yield f"{before}merge-labels", data.merge_labels


def _of_teacher(before: str, teacher: TeacherRequest | None) -> Iterator[tuple[str, Any]]:
    if teacher is not None:
        yield f"{before}teacher", teacher.model
        yield f"{before}teacher-share", teacher.share
        yield f"{before}teacher-temperature", teacher.temperature


def _named(options: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    return ((f"{before}{_flag(name)}", value) for name, value in options.items())


def _flag(name: str) -> str:
    """A setting as it is typed, without the dashes."""
    return name.replace("_", "-")


def _file(path: str, sha256: str) -> str:
    """A file by its name and what it holds: the same bytes elsewhere are no other setting."""
    name = Path(path).name
    return f"{name} ({sha256[:DIGEST_DIGITS]})" if sha256 else name


def _text(value: Any) -> str:
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value) or ABSENT
