"""What another distribution calls its task, held to the contract when it is looked up."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from zoo.answers import Answer, CalibratableAnswer
from zoo.errors import ZooError
from zoo.hyperparameters import FinetuneOptions, PretrainOptions
from zoo.kinds.input_kind import InputKind
from zoo.kinds.target_kind import TargetKind
from zoo.option_checks import check_options, clash_between
from zoo.options import Options
from zoo.plurals import with_article
from zoo.tasks.task import Task

_OF_ENGINE: dict[str, type[Options]] = {"pretrain": PretrainOptions, "finetune": FinetuneOptions}
MODULE_AND_CLASS = re.compile(r"\w+(\.\w+)*:\w+")


def fault_of(task: Any, name: str) -> str:
    """Why what a module calls its task cannot be one; empty where it can."""
    if not isinstance(task, Task):
        return f"TASK is {with_article(type(task).__name__)}, not a zoo.Task"
    if task.name != name:
        return f"TASK is called {task.name!r}, but its entry point {name!r}"
    if not isinstance(task.input, InputKind):
        return f"TASK.input is {task.input!r}, which is no zoo.InputKind"
    if not isinstance(task.target, TargetKind | None):
        return f"TASK.target is {task.target!r}, which is no zoo.TargetKind"
    if fault := _fault_of_answer(task.answer):
        return fault
    for field in ("judge", "objective"):
        reference = getattr(task, field)
        if reference and not MODULE_AND_CLASS.fullmatch(reference):
            return f"TASK.{field} is {reference!r}, which is not MODULE:CLASS"
    if not isinstance(task.needs, frozenset) or not all(isinstance(one, str) for one in task.needs):
        return f"TASK.needs is {task.needs!r}, which is no frozenset of what bodies provide, such as pooled"
    if fault := next(filter(None, (_fault_of_options(*one) for one in task.options.items())), ""):
        return fault
    for field in ("judged_options", "taught_options"):
        if strange := sorted(set(getattr(task, field)).difference(task.predict_options.__struct_fields__)):
            return f"TASK.{field} has {strange[0]!r}, which is none of TASK.predict_options"
    try:
        msgspec.json.Decoder(task.prediction)
    except (TypeError, NameError) as error:
        return f"TASK.answer {task.answer.__name__} cannot be read from JSON beside zoo.Rejected: {error}"
    return ""


def _fault_of_answer(answer: Any) -> str:
    """Why this cannot be what a task answers; empty where it can."""
    if not (isinstance(answer, type) and issubclass(answer, Answer)):
        return f"TASK.answer is {answer!r}, which is no subclass of zoo.Answer"
    if hasattr(answer, "tempered") and not issubclass(answer, CalibratableAnswer):
        return f"TASK.answer {answer.__name__} has tempered, but not left_open and cut (zoo.CalibratableAnswer)"
    return ""


def _fault_of_options(verb: str, options: Any) -> str:
    """Why a task cannot bring these options to a verb, beside those of the engine; empty where it can."""
    try:
        check_options(verb, options)
    except (TypeError, ZooError) as error:
        return f"TASK has options that cannot be used: {error}"
    clash = clash_between(verb, _OF_ENGINE.get(verb, Options), options)
    return f"TASK has options that cannot be used: {clash}" if clash else ""
