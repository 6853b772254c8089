"""How a run is done again: as commands, and in Python."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from zoo.data.columns import flag_naming
from zoo.options import changed, parse
from zoo.pick_options import PickOptions
from zoo.planning.commands import words_of_options
from zoo.recipes import RECIPE
from zoo.runs.request import RunRequest
from zoo.runs.store import RunFolder
from zoo.shrink_options import ShrinkOptions

_COMMANDS = {"evaluate": "evaluate", "audit": "audit", "shrink": "shrink", "predict": "predict_file", "pick": "pick"}
"""Verbs whose command is that, a model but for pick, and its data, each with its function of zoo."""


def commands(folder: RunFolder, request: RunRequest) -> Iterator[tuple[str, str]]:
    """What to type, each with what is said of it.

    Args:
        folder: of the run.
        request: what was asked for.
    """
    yield "From its record, with a word on whether the same bits come out:", shlex.join(["zoo", "replay", folder.name])
    recipe = folder.path / RECIPE
    if recipe.exists():
        path, swept = str(recipe), request.verb == "sweep"
        words = ["zoo", "sweep", path] if swept else ["zoo", request.verb, "--recipe", path]
        yield "From its recipe, on the command line:", shlex.join(words)
        yield "In Python:", f"import zoo\n\nrun = zoo.{'sweep' if swept else 'run_recipe'}({path!r})\nrun.wait()"
        yield f"The recipe, {RECIPE}:", recipe.read_text(encoding="utf-8", errors="replace")
    elif request.verb in _COMMANDS:
        yield "On the command line:", shlex.join(_words(request))
        yield "In Python:", f"import zoo\n\nrun = {_call(request)}\nrun.wait()"


def _words(request: RunRequest) -> Iterator[str]:
    """The command that asks for the same."""
    data = request.data
    yield from ("zoo", request.verb)
    if request.verb != "pick":
        yield request.model
    if not request.own_rows:
        yield from ("--file" if request.verb == "predict" else "--data", data.path)
    for role, column in data.columns.items():
        yield from f"{flag_naming(role)}{column}".split(" ", 1)
    yield from words_of_options(_given(request))


def _call(request: RunRequest) -> str:
    """The call of zoo that asks for the same."""
    data = request.data
    arguments = [] if request.verb == "pick" else [repr(request.model)]
    if not request.own_rows:
        arguments.append(repr(data.path))
    given = {"columns": dict(data.columns)} if data.columns else {}
    given |= _given(request)
    arguments += [f"{name}={value!r}" for name, value in given.items()]
    return f"zoo.{_COMMANDS[request.verb]}({', '.join(arguments)})"


def _given(request: RunRequest) -> dict[str, Any]:
    """What was asked for beside the model and its data, by the names that the command and the function share."""
    data = request.data
    others = {"audit": "held_out", "pick": "test"}
    given: dict[str, Any] = {others[request.verb]: data.eval_path} if request.verb in others else {}
    given |= {"task": request.task, "separator": data.separator, "classes": data.classes}
    given |= {"merge_labels": data.merge_labels, "by": request.by, "calibrate": request.calibrate}
    given |= {"errors" if request.verb == "evaluate" else "out": request.out, "format": request.format}
    given |= {"draw": request.draw, "keep": list(request.keep)}
    given |= request.auditing
    given["device"] = request.requested_device
    if request.verb in ("evaluate", "predict", "pick"):
        given["precision"] = request.requested_precision
    usual: tuple[Any, ...] = ("", None, False, 0, [], "auto")
    given = {name: value for name, value in given.items() if value not in usual}
    given |= {**changed(parse(ShrinkOptions, request.shrinking)), **request.changed_options}
    return given | (_picking(request) if request.verb == "pick" else {})


def _picking(request: RunRequest) -> dict[str, Any]:
    """How one was picked, with the models that took part: others may be here by now."""
    models = ",".join(student.training.model for student in request.students)
    return changed(parse(PickOptions, request.picking)) | {"models": models}
