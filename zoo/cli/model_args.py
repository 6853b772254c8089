"""The model that a command names, and its task: found before the other flags are known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest

import msgspec

from zoo.abilities import choose_ability
from zoo.ability_options import option_set, other_tasks_hint
from zoo.adoption import adopt_alias
from zoo.card import Card, Verb
from zoo.catalog import Catalog, result_of_head
from zoo.cli import diagnostics
from zoo.cli.joint_args import by_name_or_for_all, source_named
from zoo.cli.option_flags import add_options, flags_by_alias
from zoo.cli.parser import Parser
from zoo.cli.source_args import role_of
from zoo.cli.spelling import MODEL_FLAGS, respelled
from zoo.errors import OptionInvalid
from zoo.hyperparameters import MixingOptions
from zoo.kinds.kind import TARGET
from zoo.model_choice import choose_model
from zoo.options import Options, schema
from zoo.plurals import counted
from zoo.sources import Source, choose_sources
from zoo.suggestions import did_you_mean
from zoo.teachers import with_taught_task
from zoo.text_table import render_table

_HELP = {"-h", "--help", "--help-all"}


def add_task(parser: Parser) -> None:
    """`--task`."""
    task = parser.add_argument("--task", default="", help="what the model shall do, where it knows several tasks")
    parser.advanced.append(task)
    parser.set_defaults(catalog=None)


def model_word(parser: Parser, words: list[str], *common: type[Options]) -> str:
    """The word that names the model: the first that is neither a flag nor the value of one; empty where there is none.

    Args:
        parser: knows the flags of the command.
        words: as typed.
        common: options that may stand before the model, though the parser does not know them yet.

    Raises:
        OptionInvalid: an option that only the model could know stands before it.
    """
    takes_value = {flag: action.nargs != 0 for action in parser._actions for flag in action.option_strings}
    for one in (one for options in common for one in schema(options)):
        takes_value |= {one.flag: one.kind != "bool", "--no-" + one.flag.removeprefix("--"): False}
    aliases = {alias: flag for options in common for alias, flag in flags_by_alias(options).items()}
    rest = iter(words)
    for word in rest:
        if word == "--":
            return next(rest, "")
        if not word.startswith("-"):
            return word
        flag, equals, _ = respelled(word, takes_value, aliases).partition("=")
        if flag not in takes_value:
            hint = parser.hint_for_flag(flag) if flag in MODEL_FLAGS else ""
            hint = hint or f"name the model first: {parser.prog} MODEL {flag}"
            raise OptionInvalid(f"{flag} stands before the model", did_you_mean(flag, [*takes_value, *aliases], hint))
        if takes_value[flag] and not equals:
            next(rest, None)
    return ""


def add_model_options(parser: Parser, words: list[str], model: str, verb: Verb, catalog: Catalog | None = None) -> Card:
    """A flag for each option of the named model; returns its card.

    The catalog goes along with the parsed arguments, as `catalog`.

    Args:
        parser: of the command; `add_task` was called on it.
        words: as typed.
        model: the word that names it.
        verb: what it shall do.
        catalog: all models, where they are loaded already.

    Raises:
        UnknownModel: there is none of that name.
        Unsupported: it does not support the verb, or not for the task that `--task` names.
    """
    catalog = catalog or _with_alias(model)
    parser.set_defaults(catalog=catalog)
    if sources := [source_named(text) for text in values_of("--source", words)]:
        card = choose_model(catalog, model, verb, sources=[source.name for source in sources]).card
        _add_joint_options(parser, card, sources, words, catalog)
        return card
    columns = {TARGET: _value_of("--label", words) or _value_of("--target", words)}
    task, data, separator = (_value_of(flag, words) for flag in ("--task", "--data", "--separator"))
    job = "evaluate" if verb == "predict" and data else verb
    heads = catalog.heads(model)
    if heads and not task and not data and _HELP & set(words):
        return _describe_heads(parser, heads, verb)
    card = choose_model(catalog, model, job, task, data, columns, separator).card
    teacher = _value_of("--teacher", words) if verb == "finetune" else ""
    taught = with_taught_task(Source(data=data, task=task, teacher=teacher), card, catalog)
    ability = choose_ability(card, verb, taught.task, data, columns, separator).ability
    add_options(parser, option_set(ability), title=f"options of {card.name}")
    parser.model_hint = partial(other_tasks_hint, card, ability)
    return card


def _describe_heads(parser: Parser, heads: Sequence[Card], verb: Verb) -> Card:
    """Let the help of a command say which heads its model has, with the options of all; returns the first."""
    name = result_of_head(heads[0])
    rows = render_table([(head.name, head.task) for head in heads], ("head", "task"))
    how = f"{name} has {counted(len(heads), 'head')}: name one in its place, or let --task choose"
    parser.description = "\n".join([str(parser.description), "", f"{how}:", *(f"  {row}" for row in rows)])
    abilities = [head.ability(verb, head.task) for head in heads if head.task in head.tasks_of(verb)]
    add_options(parser, *map(option_set, abilities), title=f"options of the heads of {name}")
    return heads[0]


def _with_alias(model: str) -> Catalog:
    """All models; where the name is another one for a model of the Hub, that is among them."""
    catalog = Catalog.load()
    if (card := adopt_alias(model, catalog)) is None:
        return catalog
    diagnostics.note(f"{model} is {card.name}, {card.source_url}; zoo alias {model} MODEL chooses another")
    return Catalog.load()


def _add_joint_options(
    parser: Parser, card: Card, sources: Sequence[Source], words: list[str], catalog: Catalog
) -> None:
    """A flag for each option that any of the sources has, and for how they are mixed."""
    columns: dict[str, dict[str, str]] = {source.name: {} for source in sources}
    for text in values_of("--column", words):
        place, _, column = text.partition("=")
        name, _, role = place.partition(".")
        columns.get(name, {})[role_of(role)] = column
    teachers = dict(text.partition("=")[::2] for text in values_of("--teacher", words))
    separators = by_name_or_for_all("--separator", values_of("--separator", words), list(columns))
    named = [
        with_taught_task(
            msgspec.structs.replace(
                source,
                columns=columns[source.name],
                separator=separators.get(source.name, ""),
                teacher=teachers.get(source.name, ""),
            ),
            card,
            catalog,
        )
        for source in sources
    ]
    sets = [option_set(choice.ability) for choice in choose_sources(card, named)] if len(named) > 1 else []
    if not sets:
        sets = [option_set(choose_ability(card, "finetune", named[0].task, named[0].data, named[0].columns).ability)]
    add_options(parser, *sets, title=f"options of {card.name}")
    if len(named) > 1:
        add_options(parser, MixingOptions, title="how the sources are mixed")


def _value_of(flag: str, words: list[str]) -> str:
    """What stands behind a flag, the last time; empty where it is not there."""
    return next(reversed(values_of(flag, words)), "")


def values_of(flag: str, words: list[str]) -> list[str]:
    """What stands behind a flag, each time."""
    before = words[: words.index("--")] if "--" in words else words
    values = []
    for word, following in zip_longest(before, before[1:], fillvalue=""):
        if word == flag:
            values.append(following)
        elif word.startswith(f"{flag}="):
            values.append(word.removeprefix(f"{flag}="))
    return values
