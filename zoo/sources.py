"""The data of a job, and several of these over one body: what is learnt of each, and with which options."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from zoo.abilities import choose_ability
from zoo.ability_options import option_set, parse_options
from zoo.card import Ability, Card
from zoo.data.guessing import has_target
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.errors import InputMismatch, OptionInvalid, Unsupported
from zoo.hyperparameters import MixingOptions
from zoo.options import Option, Options, parse, schema
from zoo.plugins import load_plugin
from zoo.plurals import plural
from zoo.runs.result import OF_ITS_OWN
from zoo.tasks import get_task

SOURCE_NAME = Option(name="source", kind="str", default="", help="Name of a source.")
SOURCE_WEIGHT = Option(name="weight", kind="float", default=1.0, help="Of a source in the sum.", gt=0, le=1e6)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a job."""

    data: Any
    """A file, or a folder of images, by its path; or data that Python holds, see `zoo.data.in_memory`."""
    eval_data: Any = None
    """What to evaluate on; None for the `val` folder beside `train`, or a share of the rows."""
    columns: Mapping[str, str] = {}
    """Names of columns by role, see `Task.roles`; those of the others are found by their usual names."""
    separator: str = ""
    """What stands between the labels of a text that holds several; empty for `|` or `;`."""
    classes: str | os.PathLike[str] = ""
    """A file that says which class each value is; empty for one beside the data."""
    merge_labels: bool = False
    """Whether labels that look the same are one class."""
    name: str = ""
    """What its head is called, where a training learns from several; so for the next two."""
    task: str = ""
    """What is learnt of it; empty to let the data decide."""
    weight: float = 1.0
    """Of its mean loss in the sum that is minimised."""
    teacher: str = ""
    """Name of a model or a run whose answers are learnt, too; rows without targets are learnt from them alone."""


class SourceChoice(NamedTuple):
    """What is learnt of a source."""

    source: Source
    verb: Literal["pretrain", "finetune"]
    ability: Ability
    reason: str
    """Why this task, in one line; empty where there is no other."""


def check_source_name(name: str, others: Sequence[str]) -> None:
    """Insist on a name that one more source can have.

    Args:
        name: as given.
        others: names that are taken.

    Raises:
        OptionInvalid: it is none, or is taken.
    """
    if not _NAME.fullmatch(name) or name in others:
        reason = "is there twice" if name in others else "cannot be the name of a source"
        raise OptionInvalid(f"{name!r} {reason}", "use letters, digits and dashes, another name for each")


def choose_sources(card: Card, sources: Sequence[Source]) -> list[SourceChoice]:
    """What a model learns of each of several sources.

    Args:
        card: of the model.
        sources: named apart.

    Raises:
        OptionInvalid: a name is none, or stands twice.
        Unsupported: the model has no body to share, or learns none of the tasks.
        InputMismatch: they are of several kinds of input.
    """
    names = [source.name for source in sources]
    for place, name in enumerate(names):
        check_source_name(name, names[:place])
    if "body" not in load_plugin(card.plugin).hooks:
        raise Unsupported(
            f"{card.name} cannot learn from several sources: plugin {card.plugin} gives no body to share",
            "choose another model, or fine-tune for each apart",
        )
    learner = msgspec.structs.replace(card, columns={})  # each has a head of its own, whatever the model learnt before
    choices = [_choice(learner, source) for source in sources]
    kinds = [get_task(choice.ability.task).input for choice in choices]
    for choice, kind in zip(choices, kinds, strict=True):
        if kind is not kinds[0]:
            raise InputMismatch(
                f"{names[0]} has {plural(str(kinds[0]))} and {choice.source.name} {plural(str(kind))}: "
                "one body reads one kind of input",
                "train them apart",
                content=plural(str(kind)),
                kind=kind.name,
            )
    return choices


def _choice(card: Card, source: Source) -> SourceChoice:
    """With a verb that knows its task, or fine-tuning where it has targets and pretraining where it has none."""
    task, tasks = source.task, card.tasks_of("finetune")
    if task:
        learns = task not in card.tasks_of("pretrain") or task in tasks
    else:
        learns = not card.tasks_of("pretrain") or not tasks or _has_target(source, tasks)
    verb: Literal["pretrain", "finetune"] = "finetune" if learns else "pretrain"
    ability, reason = choose_ability(card, verb, task, source.data, source.columns, source.separator)
    if verb == "pretrain" and not task:
        reason = f"it has no targets, so it is learnt without: {ability.task}"
    return SourceChoice(source, verb, ability, reason)


def _has_target(source: Source, tasks: Iterable[str]) -> bool:
    if not isinstance(source.data, str | os.PathLike) or not Path(source.data).expanduser().exists():
        return True  # whoever reads it says what is wrong
    table = Table(parts_of(Path(source.data).expanduser()).train)
    return has_target([get_task(name) for name in tasks], table, columns=source.columns)


def options_of_sources(
    card: Card, choices: Sequence[SourceChoice], arguments: Mapping[str, Any], *, beside: Iterable[str] = ()
) -> tuple[MixingOptions, list[Options]]:
    """How sources are mixed, and the options of each: of what a person gave, whatever it knows.

    Args:
        card: of the model.
        choices: of all sources.
        arguments: options as given.
        beside: what can be said of a job beside options.

    Raises:
        OptionInvalid: one is out of bounds, or none of the sources knows it.
    """
    sets = [option_set(choice.ability) for choice in choices]
    known = [_names(MixingOptions), *map(_names, sets)]
    lost = next((name for name in arguments if not any(name in names for names in known)), None)
    if lost is not None:
        parse_options(card, choices[0].ability, {lost: arguments[lost]}, beside=beside)
    of_mixing, *of_sources = ({name: value for name, value in arguments.items() if name in names} for names in known)
    mixing = parse(MixingOptions, of_mixing)
    _check_kept(mixing, [choice.source.name for choice in choices])
    return mixing, [parse(one, given) for one, given in zip(sets, of_sources, strict=True)]


def check_not_mixed(arguments: Mapping[str, Any], options: type[Options]) -> None:
    """Refuse what is said of how sources are mixed where there is one.

    Args:
        arguments: options as given.
        options: of the model, which may have some of the same names.

    Raises:
        OptionInvalid: there is such an option.
    """
    names = {name.replace("-", "_") for name in arguments} - _names(options)
    if about := next((one.flag for one in schema(MixingOptions) if one.name in names), None):
        raise OptionInvalid(
            f"{about} says how several sources are mixed, and there is one", "name each: --source NAME=DATA"
        )


def _check_kept(mixing: MixingOptions, names: Sequence[str]) -> None:
    """Insist that sources are named that decide, or whose own best is kept, and that no other has the name it gets."""
    if mixing.best_by and mixing.best_by not in names:
        raise OptionInvalid(f"--best-by {mixing.best_by} names no source", f"it takes one of {', '.join(names)}")
    for name in mixing.kept_sources:
        if name not in names:
            raise OptionInvalid(f"--keep-best-of {name} names no source", f"it takes {', '.join(names)}")
        if f"{name}{OF_ITS_OWN}" in names:
            raise OptionInvalid(
                f"--keep-best-of {name} would be called {name}{OF_ITS_OWN}, as a source is",
                "call that source otherwise",
            )


def _names(options: type[Options]) -> frozenset[str]:
    """How a person may call the options."""
    return frozenset(name for one in schema(options) for name in (one.name, *one.aliases))
