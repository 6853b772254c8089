"""Recipes on the command line: what one says, as the flags that a person would type before their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, nullcontext

from zoo.card import Verb
from zoo.cli.joint_args import NAMED
from zoo.cli.model_args import values_of
from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid
from zoo.kinds.kind import INPUT, TARGET
from zoo.recipes import Recipe, read_recipe
from zoo.sources import Source

_OF_ALL = ("--separator", "--classes")
"""What may be said of one source or of all."""


def add_recipe(parser: Parser, words: list[str], verb: Verb) -> Recipe | None:
    """`--recipe`: what it says stands before what is typed, which overrides it.

    Args:
        parser: of the command.
        words: as typed.
        verb: the command.

    Raises:
        OptionInvalid: it cannot be read, or is of another command.
    """
    parser.add_argument(
        "--recipe",
        default="",
        metavar="FILE",
        help="do what a run's recipe.toml says; flags override it",
    )
    parser.set_defaults(recipe_read=None)
    if not (paths := values_of("--recipe", words)):
        return None
    recipe = read_recipe(paths[-1])
    if recipe.verb != verb:
        place = recipe.lines.place("verb")
        raise OptionInvalid(f"{place}: the recipe is to {recipe.verb}", f"zoo {recipe.verb} --recipe {paths[-1]}")
    typed = {text.partition("=")[0] for flag in ("--source", "--column") for text in values_of(flag, words)}
    typed |= {flag for flag in _OF_ALL for text in values_of(flag, words) if not NAMED.match(text)}
    parser.presets = list(_words(recipe, typed))
    parser.set_defaults(recipe_read=recipe)
    return recipe


def located_errors(recipe: Recipe | None) -> AbstractContextManager[None]:
    """Let errors about what a recipe says, where one is followed, have their line."""
    return nullcontext() if recipe is None else recipe.located_errors()


def check_options(parser: Parser, recipe: Recipe) -> None:
    """Insist on options that the model has.

    Raises:
        OptionInvalid: it has none of that name; with the line.
    """
    for name in recipe.options:
        if (flag := _flag(name)) not in parser._option_string_actions:
            place = recipe.lines.place("options", name)
            raise OptionInvalid(f"{place}: there is no option {name!r}", parser.hint_for_flag(flag))


def _words(recipe: Recipe, typed: Collection[str]) -> Iterator[str]:
    """What a recipe says, as flags.

    Args:
        recipe: to be followed.
        typed: names of sources, roles of columns, and flags about all sources, that are typed anew.
    """
    for name, value in {**recipe.place, **recipe.options}.items():
        if isinstance(value, bool):
            yield _flag(name) if value else f"--no-{_flag(name).removeprefix('--')}"
        else:
            yield f"{_flag(name)}={value}"
    for source in recipe.sources:
        yield from _words_of_named(source, typed) if source.name else _words_of_one(source, typed)


def _words_of_named(source: Source, typed: Collection[str]) -> Iterator[str]:
    if source.name not in typed:
        yield f"--source={source.name}={source.data}{'@' if source.task else ''}{source.task}"
    if source.eval_data:
        yield f"--eval={source.name}={source.eval_data}"
    if source.teacher:
        yield f"--teacher={source.name}={source.teacher}"
    if source.separator and "--separator" not in typed:
        yield f"--separator={source.name}={source.separator}"
    if source.classes and "--classes" not in typed:
        yield f"--classes={source.name}={source.classes}"
    if source.merge_labels:
        yield f"--merge-labels-of={source.name}"
    yield f"--weight={source.name}={source.weight}"
    for role, column in source.columns.items():
        yield f"--column={source.name}.{role}={column}"


def _words_of_one(source: Source, typed: Collection[str]) -> Iterator[str]:
    said = {"data": source.data, "eval": source.eval_data, "task": source.task, "separator": source.separator}
    said |= {
        "teacher": source.teacher,
        "classes": source.classes,
        "input": source.columns.get(INPUT),
        "label": source.columns.get(TARGET),
    }
    yield from (f"--{name}={value}" for name, value in said.items() if value)
    for role, column in source.columns.items():
        if role not in (INPUT, TARGET, *typed):
            yield f"--column={role}={column}"
    if source.merge_labels:
        yield "--merge-labels"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
