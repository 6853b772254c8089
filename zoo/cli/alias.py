"""Call a model by another name."""

from __future__ import annotations

import argparse

import msgspec

from zoo import aliases
from zoo.card import ModelName
from zoo.catalog import Catalog
from zoo.cli import output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid
from zoo.hub_reference import is_reference, parse_reference


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="such as sentiment; without one, list all")
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a model, as zoo ls lists them; or hub:owner/name")
    parser.add_argument("--remove", action="store_true", help="forget the choice of NAME")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """List, choose or forget."""
    if args.remove and (not args.name or args.model):
        raise OptionInvalid("--remove takes the one name that is to be forgotten", "zoo alias --remove NAME")
    if args.remove:
        aliases.remove(args.name)
    elif args.model:
        _choose(args.name, args.model)
    names = aliases.aliases()
    if args.name:
        if args.name not in names and not args.remove:
            raise OptionInvalid(f"there is no other name {args.name!r}", "zoo alias NAME MODEL chooses one")
        names = {name: model for name, model in names.items() if name == args.name}
    by_person = aliases.chosen()
    if args.json:
        output.emit_json([{"name": name, "model": model, "chosen": name in by_person} for name, model in names.items()])
    elif names:
        rows = [(name, model, "you" if name in by_person else "zoo") for name, model in names.items()]
        output.table(rows, ("NAME", "MODEL", "CHOSEN BY"))
    return ExitCode.OK


def _choose(name: str, model: str) -> None:
    """Let a name stand for a model that there is, or that the Hub may have.

    Raises:
        OptionInvalid: the name is no name of a model, or that of one.
        UnknownModel: there is no such model.
    """
    try:
        msgspec.convert(name, ModelName)
    except msgspec.ValidationError as error:
        raise OptionInvalid(f"{name!r} is no name for a model", "take letters, digits, . _ and -") from error
    catalog = Catalog.load()
    if any(name == card.name for card in catalog.cards):
        raise OptionInvalid(f"there is a model {name} already", "choose another name")
    aliases.save(name, str(parse_reference(model)) if is_reference(model) else catalog.resolve(model).full_name)
