"""Recipes: a training as a TOML file that can be read, changed and run again.

verb = "finetune"
model = "bert/all-minilm-l6-v2"
device = "cpu"
precision = "fp32"
on = "gpu"                      # a place that `zoo places` lists; this machine where it is left out

[options]                       # those of `zoo show MODEL`, and how sources are mixed
epochs = 3
seed = 42

[sources.sentiment]             # `[source]` where there is one
data = "reviews.csv"            # a relative path is of the folder that the recipe is in
task = "TASK"                   # found from the data where it is left out
eval = "held_out.csv"
columns = { input = "text" }
weight = 0.5

[then]                          # what is done next, on the result: all of the above but a model
verb = "finetune"
name = "mood"                   # of its run, made up where it is left out
head = "sentiment"              # that it begins from, where the result has several and the data do not say which
[then.source]
data = "reviews.csv"

[sweep]                         # of `zoo sweep` alone: see the guide on sweeps
strategy = "random"
trials = 20
[sweep.vary]
lr = { low = 1e-5, high = 1e-3, scale = "log" }
batch_size = [16, 32]
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from zoo.errors import OptionInvalid, ZooError
from zoo.jobs import Job, Place
from zoo.plurals import with_article
from zoo.runs.request import RunVerb
from zoo.sources import Source
from zoo.suggestions import did_you_mean
from zoo.toml_lines import Lines

RECIPE = "recipe.toml"
"""Its name in the folder of a run."""
_TEXT, _NUMBER, _FLAG, _TABLE = (str,), (int, float), (bool,), (dict,)
_NAMES: dict[tuple[type, ...], str] = {
    _TEXT: "text",
    _NUMBER: "a number",
    _FLAG: "true or false",
    _TABLE: "a table",
    (int,): "a whole number",
}
_OF_RECIPE: dict[str, tuple[type, ...]] = {
    "verb": _TEXT,
    "model": _TEXT,
    "device": _TEXT,
    "precision": _TEXT,
    "processes": (int,),
    "nodes": (int,),
    "shard": _FLAG,
    "on": _TEXT,
    "requeue": _FLAG,
    "options": _TABLE,
    "source": _TABLE,
    "sources": _TABLE,
    "then": _TABLE,
    "sweep": _TABLE,
}
_PLACE = ("device", "precision", "processes", "nodes", "shard", "on", "requeue")
_OF_FOLLOWER = {
    "name": _TEXT,
    "head": _TEXT,
    **{key: types for key, types in _OF_RECIPE.items() if key not in ("model", "sweep")},
}
_OF_SOURCE: dict[str, tuple[type, ...]] = {
    "data": _TEXT,
    "eval": _TEXT,
    "task": _TEXT,
    "columns": _TABLE,
    "weight": _NUMBER,
    "separator": _TEXT,
    "classes": _TEXT,
    "merge_labels": _FLAG,
    "teacher": _TEXT,
}


class Recipe(NamedTuple):
    """What a recipe says."""

    path: Path
    lines: Lines
    verb: str
    model: str
    sources: tuple[Source, ...]
    """One without a name, or several."""
    options: dict[str, Any]
    """Of the model, and of how sources are mixed."""
    place: dict[str, Any]
    """Device, precision, processes and whether these divide the model, and the place, as far as they are said."""
    name: str = ""
    """Of its run; empty to have one made up."""
    head: str = ""
    """Of the result of what is done before, where it begins from that alone."""
    then: Recipe | None = None
    """What is done next, on the result."""
    sweep: Mapping[str, Any] = {}
    """What of it a sweep varies, and how, as it stands there: `zoo.sweeps` reads it."""
    table: tuple[str, ...] = ()
    """Where it stands in the file."""

    @property
    def followers(self) -> tuple[Recipe, ...]:
        """What is done after it, one after the other."""
        return () if self.then is None else (self.then, *self.then.followers)

    def job(self, *, name: str = "", options: Mapping[str, Any] = {}) -> Job:
        """What it asks for.

        Args:
            name: of the run.
            options: in the place of its own.
        """
        first, *others = self.sources
        return Job(
            verb=cast("RunVerb", self.verb),
            model=self.model,
            task="" if others else first.task,
            source=first,
            others=tuple(others),
            place=Place(**self.place),
            options={**self.options, **options},
            name=name or self.name,
        )

    def beside(self, place: Place) -> Recipe:
        """The same, handed over to where what is done before is, unless it says where."""
        if "on" in self.place or not place.on:
            return self
        return self._replace(place={"on": place.on, "requeue": place.requeue} | self.place)

    @contextmanager
    def located_errors(self, elsewhere: Collection[str] = ()) -> Iterator[None]:
        """Let errors about what it says have their line.

        Args:
            elsewhere: keys that are said elsewhere, too, where they count.
        """
        try:
            yield
        except ZooError as error:
            self.located(error, elsewhere)
            raise

    def located(self, error: ZooError, elsewhere: Collection[str] = ()) -> ZooError:
        """An error with the line that it is about, where one of the recipe's options or paths stands in its message."""
        for key, words in self._words():
            if key[-1] not in elsewhere and any(
                re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", error.message) for word in words if word
            ):
                error.message = f"{self.lines.place(*key)}: {error.message}"
                break
        return error

    def _words(self) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Places of the file, each with what an error about it would name."""
        for source in self.sources:
            table = (*self.table, *(("sources", source.name) if source.name else ("source",)))
            for name, value in (("data", source.data), ("eval", source.eval_data), ("classes", source.classes)):
                yield (*table, name), (str(value or ""),)
            yield (*table, "task"), (source.task,)
            yield (*table, "teacher"), (source.teacher,)
            for role, column in source.columns.items():
                yield (*table, "columns", role), (column,)
        for name in self.options:
            yield (*self.table, "options", name), ("--" + name.replace("_", "-"), name)
        for name, value in self.place.items():
            yield (*self.table, name), (f"--{name}", str(value))
        yield (*self.table, "model"), (self.model,)
        yield (*self.table, "name"), (self.name,)
        yield (*self.table, "head"), (self.head,)


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe.

    Args:
        path: of a TOML file.

    Raises:
        OptionInvalid: there is no such file, or it says something that no recipe can; with the line.
    """
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(
            f"the recipe is {with_article(type(path).__name__)}, but takes the path of a TOML file",
            f"a run has one: {RECIPE}",
        )
    file = Path(path).expanduser().absolute()
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise OptionInvalid(f"the recipe {path} cannot be read: {reason}", f"a run has one: {RECIPE}") from error
    except tomllib.TOMLDecodeError as error:
        fault = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", str(error))
        place = f"{file} line {fault[2]}" if fault else str(file)
        raise OptionInvalid(f"{place}: {fault[1] if fault else error}", "it is to be TOML: https://toml.io") from error
    if "model" not in content:
        _check(Lines(file, text), (), content, _OF_RECIPE)
        raise OptionInvalid(f"{file} names no model", 'such as model = "all-minilm-l6-v2"')
    return _recipe(file, Lines(file, text), content)


def _recipe(file: Path, lines: Lines, content: Mapping[str, Any], table: tuple[str, ...] = ()) -> Recipe:
    """What a table says; the file itself is the table of the first training."""
    _check(lines, table, content, _OF_FOLLOWER if table else _OF_RECIPE)
    if (verb := content.get("verb", "finetune")) not in ("pretrain", "finetune"):
        raise OptionInvalid(f"{lines.place(*table, 'verb')}: verb is {verb!r}", "it is finetune or pretrain")
    options = content.get("options", {})
    for name, value in options.items():
        if not isinstance(value, str | bool | int | float):
            place = lines.place(*table, "options", name)
            raise OptionInvalid(f"{place}: {name} is {_what(value)}", "options have one value")
    return Recipe(
        path=file,
        lines=lines,
        verb=verb,
        model=content.get("model", ""),
        sources=tuple(_sources(file, lines, content, table)),
        options=options,
        place={name: content[name] for name in _PLACE if name in content},
        name=content.get("name", ""),
        head=content.get("head", ""),
        then=_recipe(file, lines, content["then"], (*table, "then")) if "then" in content else None,
        sweep=content.get("sweep", {}),
        table=table,
    )


def _sources(file: Path, lines: Lines, content: Mapping[str, Any], within: tuple[str, ...]) -> Iterator[Source]:
    if "source" in content and "sources" in content:
        raise OptionInvalid(
            f"{lines.place(*within, 'source')}: [source] is for a training that has no other",
            "make it one of [sources.NAME]",
        )
    tables: dict[tuple[str, ...], Any] = {
        (*within, "sources", name): table for name, table in content.get("sources", {}).items()
    }
    if "source" in content:
        tables = {(*within, "source"): content["source"]}
    if not tables:
        what, table = (
            (f"{lines.place(*within)}: {within[-1]}", ".".join((*within, "source"))) if within else (file, "source")
        )
        raise OptionInvalid(f"{what} says nothing of the data", f"write [{table}] and below it data = ...")
    for place, table in tables.items():
        if not isinstance(table, dict):
            raise OptionInvalid(
                f"{lines.place(*place)}: {place[-1]} is {_what(table)}, but takes a table", "see [source]"
            )
        _check(lines, place, table, _OF_SOURCE)
        if "data" not in table:
            raise OptionInvalid(f"{lines.place(*place)}: [{'.'.join(place)}] names no data", 'such as data = "a.csv"')
        columns = table.get("columns", {})
        _check(lines, (*place, "columns"), columns, dict.fromkeys(columns, _TEXT))
        paths = {name: str(_path(file, table[name])) for name in ("data", "eval", "classes") if table.get(name)}
        yield Source(
            name=place[-1] if place[-2:-1] == ("sources",) else "",
            data=paths.get("data", ""),
            eval_data=paths.get("eval"),
            classes=paths.get("classes", ""),
            columns=columns,
            task=table.get("task", ""),
            weight=float(table.get("weight", 1.0)),
            separator=table.get("separator", ""),
            merge_labels=table.get("merge_labels", False),
            teacher=table.get("teacher", ""),
        )


def _path(file: Path, path: str) -> Path:
    """A path in a recipe: a relative one is of the folder that the recipe is in."""
    return file.parent / Path(path).expanduser()


def _check(
    lines: Lines, table: tuple[str, ...], values: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]
) -> None:
    """Insist on keys that are known, with values of their type."""
    for name, value in values.items():
        place = lines.place(*table, name)
        if name not in types:
            raise OptionInvalid(
                f"{place}: there is no {name!r}", did_you_mean(name, types, f"there are {', '.join(types)}")
            )
        if not isinstance(value, types[name]) or (isinstance(value, bool) and bool not in types[name]):
            raise OptionInvalid(f"{place}: {name} is {_what(value)}, but takes {_NAMES[types[name]]}", "change it")


def _what(value: Any) -> str:
    names: dict[type, str] = {one: name for types, name in _NAMES.items() for one in types}
    names |= {int: "a whole number", list: "a list"}
    return names.get(type(value)) or with_article(type(value).__name__)
