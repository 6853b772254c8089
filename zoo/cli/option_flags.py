"""Flags rendered from an option set, and the words that were typed for them."""

from __future__ import annotations

import argparse
from typing import Any

from zoo.options import Option, Options, schema

_PREFIX = "option_"


def add_options(parser: argparse.ArgumentParser, options: type[Options], *, title: str) -> None:
    """Add one flag per option; values stay text, `zoo.options.parse` reads them."""
    described = schema(options)
    if not described:
        return
    group = parser.add_argument_group(title)
    for one in described:
        if one.kind == "bool":
            group.add_argument(
                one.flag,
                dest=_PREFIX + one.name,
                action=argparse.BooleanOptionalAction,
                default=None,
                help=help_text(one),
            )
        else:
            metavar = "|".join(one.choices) if one.choices else {"int": "N", "float": "X", "str": "TEXT"}[one.kind]
            group.add_argument(one.flag, dest=_PREFIX + one.name, metavar=metavar, default=None, help=help_text(one))


def given_options(args: argparse.Namespace) -> dict[str, Any]:
    """What was typed, by option name; options that were not typed are left out."""
    return {
        name.removeprefix(_PREFIX): value
        for name, value in vars(args).items()
        if name.startswith(_PREFIX) and value is not None
    }


def help_text(one: Option) -> str:
    """One option in words: what it is, its unit, bounds and default."""
    default = "auto" if one.default is None else one.default
    facts = [one.unit, "" if one.choices else one.bounds, f"default: {default}"]
    return f"{one.help} ({'; '.join(fact for fact in facts if fact)})".replace("%", "%%")
