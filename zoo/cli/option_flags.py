"""Flags rendered from an option set, and the words that were typed for them."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from zoo.cli.parser import HelpAll, Parser
from zoo.options import Option, Options, names_by_alias, read, schema
from zoo.sanitize import one_line

_PREFIX = "option_"


def add_options(parser: Parser, *options: type[Options], title: str) -> None:
    """Add one flag per option of any of the sets.

    Values stay text that `zoo.options.parse` reads, paths become absolute.
    """
    described = {one.name: one for of_set in reversed(options) for one in schema(of_set)}.values()
    if not described:
        return
    for of_set in options:
        parser.aliases |= flags_by_alias(of_set)
    group = parser.add_argument_group(title)
    for one in described:
        settings: dict[str, Any]
        if one.kind == "bool":
            settings = {"action": argparse.BooleanOptionalAction}
        elif one.choices:
            settings = {"metavar": one_line("|".join(one.choices))}
        elif one.file:  # whoever reads it later may stand in another folder
            settings = {"metavar": "FILE", "type": partial(read, one)}
        else:
            settings = {"metavar": {"int": "N", "float": "X", "str": "TEXT"}[one.kind]}
        action = group.add_argument(
            one.flag, dest=_PREFIX + one.name, default=None, help=help_text(one, with_choices=False), **settings
        )
        if one.advanced:
            parser.advanced.append(action)


def add_unlisted(parser: Parser, options: type[Options]) -> None:
    """Add flags that no help shows, of options that do not apply here, so that the reason can be told.

    Args:
        parser: of the command; flags that it has already stay as they are.
        options: those.
    """
    for one in schema(options):
        if one.flag not in parser._option_string_actions:
            action = argparse.BooleanOptionalAction if one.kind == "bool" else "store"
            parser.add_argument(one.flag, dest=_PREFIX + one.name, default=None, action=action, help=argparse.SUPPRESS)


def unlist(parser: Parser, *names: str) -> None:
    """Take options out of the help that do not apply here; who names one is told why.

    Args:
        parser: of the command.
        names: of the options.
    """
    hidden = {_PREFIX + name for name in names}
    for action in parser._actions:
        if action.dest in hidden:
            action.help = argparse.SUPPRESS
    parser.advanced[:] = [action for action in parser.advanced if action.dest not in hidden]


def flags_by_alias(options: type[Options]) -> dict[str, str]:
    """What other tools call the flag of an option, to that flag."""
    return {_flag(alias): _flag(name) for alias, name in names_by_alias(options).items()}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def add_help_all(parser: Parser) -> None:
    """`--help-all`, for commands that have the options of a model."""
    parser.add_argument("--help-all", action=HelpAll, help="show every option, and exit")


def add_number(parser: Parser, described: Option, *, help: str = "") -> None:
    """Add a flag of the command itself that takes a number within bounds."""
    action = parser.add_argument(
        described.flag,
        type=lambda text: read(described, text),
        default=described.default,
        metavar="N",
        help=help or help_text(described),
    )
    if described.advanced:
        parser.advanced.append(action)


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """What was typed, by option name; options that were not typed are left out."""
    return {
        name.removeprefix(_PREFIX): value
        for name, value in vars(args).items()
        if name.startswith(_PREFIX) and value is not None
    }


def help_text(one: Option, *, with_choices: bool = True) -> str:
    """One option in words: what it is, its unit, bounds and default; choices may stand with the flag already."""
    default = "auto" if one.default is None else one.default
    bounds = one.bounds if with_choices or not one.choices else ""
    facts = [one.unit, bounds, f"default: {default}"]
    return one_line(f"{one.help} ({'; '.join(fact for fact in facts if fact)})").replace("%", "%%")
