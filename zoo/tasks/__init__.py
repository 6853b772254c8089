"""The tasks: one light module each, whose `TASK` says all that zoo knows of it.

Other distributions bring more through the entry-point group `zoo.tasks`: the name of the task, and such a module.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

import msgspec

from zoo.answers import Answer
from zoo.discovery import HOST, Failure, clash_of, distribution_of, failure_of, import_failure, installed
from zoo.errors import PluginBroken, Unsupported
from zoo.kinds.kind import InputKind, TargetKind
from zoo.suggestions import did_you_mean
from zoo.tasks.task import Task

GROUP = "zoo.tasks"
JUDGE = re.compile(r"\w+(\.\w+)*:\w+")
BUILT_IN = {
    "text-classification": "zoo.tasks.text_classification",
    "text-multi-label-classification": "zoo.tasks.text_multi_label_classification",
    "text-regression": "zoo.tasks.text_regression",
    "fill-mask": "zoo.tasks.fill_mask",
    "feature-extraction": "zoo.tasks.feature_extraction",
    "image-classification": "zoo.tasks.image_classification",
    "image-multi-label-classification": "zoo.tasks.image_multi_label_classification",
    "image-regression": "zoo.tasks.image_regression",
    "image-feature-extraction": "zoo.tasks.image_feature_extraction",
}
"""Name to module; what other distributions bring is looked up after these."""
TEXT_TASKS = ("text-classification", "text-multi-label-classification", "text-regression")
"""What any body for texts can be fine-tuned for: a head on one vector a text; the usual one first."""
IMAGE_TASKS = ("image-classification", "image-multi-label-classification", "image-regression")
"""Likewise of images."""
EXAMPLE = "text-classification"
"""What help texts name."""


class InstalledTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task, and where it comes from."""

    task: Task
    distribution: str


def task_names() -> tuple[str, ...]:
    """Names of all tasks, those of zoo first; imports none of them."""
    return tuple(dict.fromkeys([*BUILT_IN, *sorted(point.name for point in installed(GROUP))]))


def version_of(name: str) -> str:
    """Distribution and version that bring a task, such as `zoo-pairs 1.2`; empty for those of zoo. Imports none."""
    points = [] if name in BUILT_IN else [point for point in installed(GROUP) if point.name == name]
    return " ".join(distribution_of(points[0])) if points else ""


@cache
def get_task(name: str) -> Task:
    """Look a task up.

    Raises:
        Unsupported: there is none of that name.
        PluginBroken: the distribution that brings it is at fault.
    """
    if name in BUILT_IN:
        return importlib.import_module(BUILT_IN[name]).TASK  # type: ignore[no-any-return]
    points = [point for point in installed(GROUP) if point.name == name]
    if not points:
        known = task_names()
        hint = did_you_mean(name, known, f"tasks: {', '.join(known)}", limit=2)
        raise Unsupported(f"there is no task {name!r}", hint)
    loaded = _load(points)
    if isinstance(loaded, Failure):
        raise PluginBroken(f"task {name} ({loaded.distribution} {loaded.version}): {loaded.error}", loaded.hint)
    return loaded.task


def load_tasks() -> tuple[tuple[InstalledTask, ...], tuple[Failure, ...]]:
    """All tasks, those of zoo first; those that cannot be used come as failures."""
    by_name: dict[str, list[EntryPoint]] = {}
    for point in installed(GROUP):
        by_name.setdefault(point.name, []).append(point)
    own = [InstalledTask(task=get_task(name), distribution=HOST) for name in BUILT_IN]
    loaded = [_load(by_name[name]) for name in sorted(by_name)]
    return (
        (*own, *(one for one in loaded if isinstance(one, InstalledTask))),
        tuple(one for one in loaded if isinstance(one, Failure)),
    )


def _load(points: Sequence[EntryPoint]) -> InstalledTask | Failure:
    """The task that the entry points of one name stand for; two of one name are a failure."""
    point = points[0]
    if point.name in BUILT_IN or len(points) > 1:
        return clash_of(points, "task", host=point.name in BUILT_IN)
    try:
        task = point.load().TASK
        if fault := _fault(task, point.name):
            return failure_of(point, fault, "its author must mend it")
    except (Exception, SystemExit) as error:  # whatever a stranger's module may raise while it is imported
        return import_failure(point, error, f"from {point.module} import TASK")
    return InstalledTask(task=task, distribution=distribution_of(point)[0])


def _fault(task: Any, name: str) -> str:
    """Why what a module calls its task cannot be one; empty where it can."""
    if not isinstance(task, Task):
        return f"TASK is a {type(task).__name__}, not a zoo.Task"
    if task.name != name:
        return f"TASK is called {task.name!r}, but its entry point {name!r}"
    if not isinstance(task.input, InputKind):
        return f"TASK.input is {task.input!r}, which is no zoo.InputKind"
    if not isinstance(task.target, TargetKind | None):
        return f"TASK.target is {task.target!r}, which is no zoo.TargetKind"
    if not (isinstance(task.answer, type) and issubclass(task.answer, Answer)):
        return f"TASK.answer is {task.answer!r}, which is no subclass of zoo.Answer"
    if task.judge and not JUDGE.fullmatch(task.judge):
        return f"TASK.judge is {task.judge!r}, which is not MODULE:CLASS"
    try:
        msgspec.json.Decoder(task.prediction)
    except (TypeError, NameError) as error:
        return f"TASK.answer {task.answer.__name__} cannot be read from JSON beside zoo.Rejected: {error}"
    return ""
