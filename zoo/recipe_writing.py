"""The recipe of a training that was asked for: TOML that `zoo.recipes` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.hyperparameters import TeachingOptions
from zoo.options import changed, parse
from zoo.recipes import RECIPE
from zoo.runs import sequence
from zoo.runs.request import RunRequest, SourceRequest, TeacherRequest
from zoo.runs.store import RunFolder, store_invalid
from zoo.sweep_options import SweepOptions


def write_recipe(folder: RunFolder, followers: Sequence[RunRequest] = ()) -> None:
    """Write the recipe of a training into its folder.

    Args:
        folder: of the training.
        followers: requests of what is done next, one after the other.

    Raises:
        StoreInvalid: it cannot be written.
    """
    path = folder.path / RECIPE
    try:
        atomic.write_text(path, recipe_of(folder.request, folder.path, followers))
    except OSError as error:
        raise store_invalid("the recipe cannot be stored", error, path) from error


def add_follower(folder: RunFolder, follower: RunFolder) -> None:
    """Let the recipe of a training, and those of the trainings that it begins after, say what is done next.

    A recipe has one thing that is done next. One that has it already, or that a person has changed, stays as it is.

    Args:
        folder: of the training.
        follower: begins from its result.

    Raises:
        StoreInvalid: a recipe cannot be written.
    """
    before: RunFolder | None = folder
    known: list[RunRequest] = []
    while before is not None:
        recipe = before.path / RECIPE
        if not recipe.exists() or recipe.read_bytes() != recipe_of(before.request, before.path, known).encode():
            return
        write_recipe(before, [*known, follower.request])
        known, before = [before.request, *known], sequence.run_before(before)


def recipe_of(request: RunRequest, folder: Path, followers: Sequence[RunRequest] = ()) -> str:
    """The recipe by which a training does again what it did, on a CPU to the bit on the same machine.

    Args:
        request: of the training.
        folder: that the recipe will be in; paths of files in it are relative, as a run may be renamed.
        followers: requests of what is done next, one after the other.
    """
    swept = request.verb == "sweep"
    if swept:
        trial = request.students[0].training
        said = {"device": trial.device, "place": trial.place, "requeue": trial.requeue}
        request = msgspec.structs.replace(request, verb="finetune", **said)
    again = f"zoo sweep {RECIPE}" if swept else f"zoo {request.verb} --recipe {RECIPE}"
    parts = [f"# What was asked for; {again} does it again."]
    for place, one in enumerate((request, *followers)):
        before = followers[place - 2] if place > 1 else request
        parts += _tables(one, folder, ("then",) * place, _head(one, before) if place else "")
    if swept:
        parts.append(_table("sweep", changed(parse(SweepOptions, request.sweeping))))
        parts.append(_table("sweep.vary", request.vary))
    return "\n".join(part for part in parts if part)


def _head(request: RunRequest, before: RunRequest) -> str:
    """The head that a training begins from, of the result of the one before; empty for that as a whole."""
    whole = f"{before.plugin}/{before.name}."
    alone = request.model.startswith(whole) and not request.kept and not request.new_heads
    return request.model.removeprefix(whole) if alone else ""


def _tables(request: RunRequest, folder: Path, within: tuple[str, ...], of_head: str) -> Iterator[str]:
    """What one training of a recipe is, in TOML.

    Args:
        request: of the training.
        folder: that the recipe will be in.
        within: names of the tables around it.
        of_head: name of the head that it begins from, of what was done before; empty for none.
    """

    def name_of(*table: str) -> str:
        return ".".join((*within, *table))

    head: dict[str, Any] = {"verb": request.verb}
    if not within:  # of a result whose other heads come along, the result
        head["model"] = request.model.rpartition(".")[0] if request.kept else request.model
    head |= {"head": of_head} if of_head else {}
    head |= {"device": request.device, "precision": request.precision}
    seed = {"seed": request.options["seed"]} if "seed" in request.options else {}
    teachers = [one.teacher for one in request.sources or (request,) if one.teacher]
    options = {
        **seed,
        **request.changed_options,
        **{name: value for one in teachers for name, value in teaching_of(one)},
    }
    head |= {"processes": request.processes} if request.processes > 1 else {}
    head |= {"nodes": request.nodes} if request.nodes > 1 else {}
    head |= {"shard": True} if request.shard else {}
    head |= {"on": request.place} if request.place else {}
    yield _table(name_of(), head | ({"requeue": True} if request.requeue else {}))
    yield _table(name_of("options"), {name: "auto" if value is None else value for name, value in options.items()})
    if not request.sources:
        place = name_of("sources", request.head) if request.head else name_of("source")
        yield _table(place, _source(folder, request, request.task))
    for source in request.sources:
        found = source.verb == "pretrain" and source.task_reason  # by its data, which have no targets
        table = _source(folder, source, "" if found else source.task) | {"weight": source.weight}
        yield _table(name_of("sources", source.name), table)


def teaching_of(teacher: TeacherRequest) -> Iterator[tuple[str, Any]]:
    """How much the answers of a teacher count, where that is not as usual: options with their values.

    Args:
        teacher: of a training.
    """
    usual = TeachingOptions()
    if teacher.share != (0.5 if teacher.labelled else 1.0):
        yield "teacher_share", teacher.share
    if teacher.temperature != usual.teacher_temperature:
        yield "teacher_temperature", teacher.temperature


def _source(folder: Path, request: RunRequest | SourceRequest, task: str) -> dict[str, Any]:
    data = request.data

    def path(text: str) -> str:
        return str(Path(text).relative_to(folder)) if text and Path(text).is_relative_to(folder) else text

    values = {
        "data": path(data.path),
        "eval": path(data.eval_path),
        "task": task,
        "columns": data.columns,
        "separator": data.separator,
        "classes": path(data.classes),
        "merge_labels": data.merge_labels,
        "teacher": request.teacher.model if request.teacher else "",
    }
    return {name: value for name, value in values.items() if value}


def _table(name: str, values: Mapping[str, Any]) -> str:
    """A table in TOML; empty where nothing is in it."""
    entries = [f"{_key(key)} = {_value(value)}\n" for key, value in values.items()]
    return f"[{name}]\n{''.join(entries)}" if name and entries else "".join(entries)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    """A value in TOML, whose texts are those of JSON but for the control character DEL (https://toml.io/en/v1.0.0)."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return (
        repr(value)
        if isinstance(value, int | float)
        else json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    )
