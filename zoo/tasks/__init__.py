"""The tasks: one light module each, whose `TASK` says all that zoo knows of it.

Other distributions bring more through the entry-point group `zoo.tasks`: the name of the task, and such a module.
Cards name tasks; kinds and answers are imported with the task that is looked up.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from zoo.discovery import HOST, Failure, clash_of, distribution_of, failure_of, import_failure, installed
from zoo.entry_points import EntryPoint
from zoo.errors import PluginBroken, Unsupported
from zoo.suggestions import did_you_mean

if TYPE_CHECKING:
    from zoo.tasks.task import Task

GROUP = "zoo.tasks"
BUILT_IN = {
    "text-classification": "zoo.tasks.text_classification",
    "text-multi-label-classification": "zoo.tasks.text_multi_label_classification",
    "text-regression": "zoo.tasks.text_regression",
    "fill-mask": "zoo.tasks.fill_mask",
    "token-classification": "zoo.tasks.token_classification",
    "feature-extraction": "zoo.tasks.feature_extraction",
    "text-generation": "zoo.tasks.text_generation",
    "zero-shot-classification": "zoo.tasks.zero_shot_classification",
    "text2text-generation": "zoo.tasks.text2text_generation",
    "question-answering": "zoo.tasks.question_answering",
    "image-classification": "zoo.tasks.image_classification",
    "image-multi-label-classification": "zoo.tasks.image_multi_label_classification",
    "image-regression": "zoo.tasks.image_regression",
    "image-feature-extraction": "zoo.tasks.image_feature_extraction",
    "zero-shot-image-classification": "zoo.tasks.zero_shot_image_classification",
    "object-detection": "zoo.tasks.object_detection",
    "image-segmentation": "zoo.tasks.image_segmentation",
    "audio-classification": "zoo.tasks.audio_classification",
    "audio-feature-extraction": "zoo.tasks.audio_feature_extraction",
    "automatic-speech-recognition": "zoo.tasks.automatic_speech_recognition",
}
"""Name to module; what other distributions bring is looked up after these."""
OPTION_NAMES = frozenset(
    {
        "class_weights",
        "labels",
        "loss",
        "mask_probability",
        "max_answer_tokens",
        "nms",
        "no_answer",
        "normalizer",
        "probabilities",
        "raw_spans",
        "stride",
        "temperature",
        "template",
        "threshold",
        "top_k",
    }
)
"""Options that they bring: where a card has none of such a name, it is checked without importing its task."""
_OWN_OPTION_NAMES = {
    "text-generation": {
        "predict": frozenset(
            {"max_tokens", "raw", "repetition_penalty", "seed", "stop", "system", "temperature", "top_k", "top_p"}
        )
    },
    "text2text-generation": {
        "predict": frozenset(
            {
                "beams",
                "max_tokens",
                "repetition_penalty",
                "seed",
                "source_language",
                "stop",
                "target_language",
                "temperature",
                "top_k",
                "top_p",
            }
        )
    },
}
"""Those of a task whose names others leave to the families of their models, by the verb."""
_ON_BODIES: dict[str, dict[str, tuple[str, ...]]] = {
    "text": {
        "pooled": ("text-classification", "text-multi-label-classification", "text-regression"),
        "tokens": ("token-classification",),
    },
    "prompt": {"causal": ("text-generation",)},
    "image": {
        "pooled": ("image-classification", "image-multi-label-classification", "image-regression"),
        "levels": ("object-detection", "image-segmentation"),
    },
    "recording": {
        "frames": ("automatic-speech-recognition",),
        "pooled": ("audio-classification",),
    },
}
"""Kind of input to those of zoo's tasks that one thing which a body provides is enough for, the usual one first."""
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
    points = _points_of(name)
    return " ".join(distribution_of(points[0])) if points else ""


def failure_of_task(name: str, error: str, hint: str) -> Failure | None:
    """Why a task that another distribution brings is left out somewhere; None for those of zoo. Imports none."""
    points = _points_of(name)
    return failure_of(points[0], error, hint) if points else None


def _points_of(name: str) -> list[EntryPoint]:
    """Entry points of the other distributions that bring a task; none for those of zoo."""
    return [] if name in BUILT_IN else [point for point in installed(GROUP) if point.name == name]


def body_tasks(kind: str, *provides: str) -> tuple[str, ...]:
    """Names of the tasks that a body can be fine-tuned for: those of zoo, the usual one first, then those installed.

    Args:
        kind: of its input: `text`, `prompt`, `image` or `recording`.
        provides: what the body makes of an input (`zoo.training.Body.provides`), such as `pooled`.
    """
    own = tuple(name for need, names in _ON_BODIES.get(kind, {}).items() if need in provides for name in names)
    strangers = load_tasks()[0][len(BUILT_IN) :] if installed(GROUP) else ()
    return own + tuple(
        one.task.name
        for one in strangers
        if str(one.task.input) == kind and one.task.target and one.task.objective and one.task.needs <= {*provides}
    )


def option_names(task: str, verb: str) -> frozenset[str]:
    """Names that the options of one of zoo's tasks to a verb may have; imports none."""
    return _OWN_OPTION_NAMES[task].get(verb, frozenset()) if task in _OWN_OPTION_NAMES else OPTION_NAMES


def check_task(name: str) -> None:
    """Raise what `get_task` raises; imports no task of zoo's own."""
    if name not in BUILT_IN:
        get_task(name)


@cache
def get_task(name: str) -> Task:
    """Look a task up.

    Raises:
        Unsupported: there is none of that name.
        PluginBroken: the distribution that brings it is at fault.
    """
    if name in BUILT_IN:
        return importlib.import_module(BUILT_IN[name]).TASK  # type: ignore[no-any-return]
    points = _points_of(name)
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
    from zoo.tasks.checks import fault_of
    from zoo.tasks.guarding import guard

    point = points[0]
    if point.name in BUILT_IN or len(points) > 1:
        return clash_of(points, "task", host=point.name in BUILT_IN)
    try:
        task = point.load().TASK
        if fault := fault_of(task, point.name):
            return failure_of(point, fault, "its author must mend it")
    except (Exception, SystemExit) as error:  # whatever a stranger's module may raise while it is imported
        return import_failure(point, error, f"from {point.module} import TASK")
    guard(task.answer, task.name, " ".join(distribution_of(point)))
    return InstalledTask(task=task, distribution=distribution_of(point)[0])
