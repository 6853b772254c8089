"""The index that completion in a shell reads, made of the parsers of all commands and of the catalog."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.card import Card, FolderSource
from zoo.catalog import Catalog
from zoo.cli.commands import COMMANDS
from zoo.cli.parser import Command as CommandModule
from zoo.cli.parser import Parser, new_parser
from zoo.completion import index
from zoo.completion.index import Command, Flag, Form, Index, Model, Positional
from zoo.completion.line import NO_VALUE
from zoo.errors import ZooError
from zoo.options import Option, Options, schema
from zoo.paths import runs_folder
from zoo.places.table import places
from zoo.plugins import disabled_plugins, plugin_names
from zoo.sanitize import one_line
from zoo.settings import SETTINGS
from zoo.settings.table import PRECISIONS
from zoo.tasks import task_names
from zoo.tui.themes import theme_names

_BY_METAVAR = {
    "MODEL": "model",
    "RUN": "run",
    "RESULT": "result",
    "TASK": "task",
    "PLUGIN": "plugin",
    "FAMILY": "family",
    "DEVICE": "device",
    "PLACE": "place",
    "PRECISION": "precision",
    "KEY": "setting",
    "KEY[=VALUE]": "setting=",
    "DATA": "file",
    "FILE": "file",
    "FILE.zip": "file",
    "RECIPE": "file",
    "INPUT": "file",
    "NAME=DATA[@TASK]": "file",
    "NAME|PATH|URL": "file",
    "FOLDER": "folder",
    "DIR": "folder",
}
"""How an argument calls its value, to the kind of it."""
_BY_COMMAND = {
    ("cache", "names"): "model",
    ("plugins", "names"): "plugin",
    ("uninstall", "plugin"): "plugin",
    ("stop", "run"): "live run",
    ("attach", "run"): "live run",
    ("compare", "runs"): "model",
}
"""Command and argument, where that says more."""


def build() -> Index:
    """Make the index and keep it; without models where the catalog cannot be read, which other commands report."""
    key = index.key()  # before anything is looked at: what changes meanwhile makes it out of date
    commands = {name: _command(name, *COMMANDS[name]) for name in COMMANDS}
    options: dict[str, dict[str, Flag]] = {}
    try:
        cards = Catalog.load().cards
        plugins = sorted({*plugin_names(), *(one.name for one in disabled_plugins())})
    except ZooError:
        cards, plugins = (), []
    made = Index(
        key=key,
        commands=commands,
        models=_models(cards, options),
        options=options,
        names={
            "task": list(map(one_line, task_names())),
            "plugin": list(map(one_line, plugins)),
            "family": sorted({one_line(card.family) for card in cards}),
            "precision": ["auto", *PRECISIONS],
            "place": _places(),
            "setting": list(SETTINGS),
            "theme": theme_names(),
        },
    )
    with contextlib.suppress(OSError):  # one that cannot be kept costs time only: it is made again
        index.write(made)
    return made


def _places() -> list[str]:
    """Those that are declared, this machine first; none where the file cannot be read, which other commands report."""
    try:
        return [one_line(place.name) for place in places()]
    except ZooError:
        return []


def _command(name: str, module: str, help_text: str) -> Command:
    command: CommandModule = importlib.import_module(module)
    form, verbs = _form(name, command, help_text, []), {}
    if hasattr(command, "complete_parser") and form["positionals"]:
        verbs = {verb: _form(name, command, help_text, [verb]) for verb in form["positionals"][0]["choices"]}
    return Command(help=help_text, form=form, verbs=verbs)


def _form(name: str, command: CommandModule, help_text: str, words: list[str]) -> Form:
    """What a command takes, as its parser is where these words are typed."""
    parser = new_parser(name, command, help_text)
    if complete := getattr(command, "complete_parser", None):
        complete(parser, words)
    else:
        command.add_arguments(parser)
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    return Form(
        flags={flag: _flag(name, action, parser) for action in shown for flag in action.option_strings},
        aliases=dict(parser.aliases),
        positionals=[_positional(name, action) for action in shown if not action.option_strings],
    )


def _flag(command: str, action: argparse.Action, parser: Parser) -> Flag:
    takes_value = action.nargs != 0
    return Flag(
        help=one_line((action.help or "") % {"default": action.default}),
        values=_values(command, action) if takes_value else NO_VALUE,
        choices=_choices(action) if takes_value else [],
        advanced=action in parser.advanced,
        several=isinstance(action, argparse._AppendAction),
    )


def _positional(command: str, action: argparse.Action) -> Positional:
    return Positional(values=_values(command, action), choices=_choices(action), several=action.nargs in ("*", "+"))


def _values(command: str, action: argparse.Action) -> str:
    """Of which kind the value of an argument is; empty where any text will do."""
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return _BY_COMMAND.get((command, action.dest)) or _BY_METAVAR.get(metavar, "")


def _choices(action: argparse.Action) -> list[str]:
    """What may be chosen: said of an argument, or for people, by the way its value is called."""
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    metavar = action.metavar
    if isinstance(metavar, str) and "|" in metavar and metavar not in _BY_METAVAR:
        return metavar.split("|")
    return []


def _models(cards: Iterable[Card], options: dict[str, dict[str, Flag]]) -> dict[str, Model]:
    """Models of plugins and of the Hub by their bare names; results of runs are looked at when they are asked for."""
    models: dict[str, Model] = {}
    known: dict[str, str] = {}
    for card in cards:
        if not _is_result(card):
            of_card = {str(verb): _options(card, verb, options, known) for verb in card.verbs}
            models.setdefault(
                card.name, Model(full_name=card.full_name, summary=one_line(card.summary), options=of_card)
            )
    return models


def _is_result(card: Card) -> bool:
    """Whether a model came of a run of this store."""
    sources = card.weights.sources if card.weights else ()
    return any(isinstance(one, FolderSource) and Path(one.path).is_relative_to(runs_folder()) for one in sources)


def _options(card: Card, verb: str, options: dict[str, dict[str, Flag]], known: dict[str, str]) -> str:
    """Name of the options that a model has for a verb, whatever its task; models of one kind share them."""
    from zoo.ability_options import option_set

    sets = [option_set(ability) for ability in card.abilities if ability.verb == verb]
    flags = _flags(sets)
    text = json.dumps(flags)
    if text not in known:
        known[text] = str(len(known))
        options[known[text]] = flags
    return known[text]


def _flags(sets: Sequence[type[Options]]) -> dict[str, Flag]:
    flags: dict[str, Flag] = {}
    for one in {one.name: one for of_set in reversed(sets) for one in schema(of_set)}.values():
        is_switch = one.kind == "bool"
        flag = Flag(
            help=one_line(one.help),
            values=NO_VALUE if is_switch else "file" if one.file else "",
            choices=[] if is_switch else _chosen(one),
            advanced=one.advanced,
            several=False,
        )
        flags[one.flag] = flag
        if is_switch:
            flags["--no-" + one.flag.removeprefix("--")] = flag
    return flags


def _chosen(one: Option) -> list[str]:
    return [one_line(choice) for choice in one.choices]
