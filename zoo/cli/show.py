"""Show one model: figures, sources, options."""

from __future__ import annotations

import argparse

from zoo.ability_options import option_set, with_all_options
from zoo.card import (
    Ability,
    Card,
    FolderSource,
    HubSource,
    PackageSource,
    Source,
    TorchHubSource,
    UrlSource,
    WheelSource,
)
from zoo.catalog import Catalog, is_local
from zoo.cli import output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.option_flags import help_text
from zoo.fetch.verify import pin_shown
from zoo.kinds.spelling import distinct_names
from zoo.options import Option, schema
from zoo.ranking import FROM_SCRATCH, mark
from zoo.sanitize import one_line
from zoo.units import size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("model", metavar="MODEL", help="a model or a finished run; zoo ls lists them")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print the card."""
    card = Catalog.load().resolve(args.model)
    if args.json:
        output.emit_json(with_all_options(card))
        return ExitCode.OK
    output.line(f"{card.name}: {one_line(card.summary)}")
    output.line()
    for name, value in facts(card):
        output.line(f"  {name:<12} {one_line(value)}")
    for heading, options in option_groups(card):
        output.line()
        output.line(heading)
        for option in options:
            output.line(f"  {option.flag:<20} {help_text(option).replace('%%', '%')}")
    return ExitCode.OK


def option_groups(card: Card) -> list[tuple[str, list[Option]]]:
    """The options of a model, each once: under what it is an option of, those that most has in common first."""
    abilities_by_option: dict[Option, list[Ability]] = {}
    for ability in card.abilities:
        for option in schema(option_set(ability)):
            abilities_by_option.setdefault(option, []).append(ability)
    groups: dict[str, list[Option]] = {}
    for option, abilities in abilities_by_option.items():
        groups.setdefault(_heading(card, abilities), []).append(option)
    return list(groups.items())


def _heading(card: Card, abilities: list[Ability]) -> str:
    """What a model does with an option: verbs, each with its tasks unless it is for several and these are all."""
    tasks_by_verb: dict[str, list[str]] = {}
    for ability in abilities:
        tasks_by_verb.setdefault(str(ability.verb), []).append(ability.task)
    return ", ".join(
        verb if 1 < len(tasks) == len(card.tasks_of(verb)) else f"{verb} ({', '.join(tasks)})"
        for verb, tasks in tasks_by_verb.items()
    )


def facts(card: Card) -> list[tuple[str, str]]:
    """What is known of a model, in the order people ask."""
    shape = ", ".join(f"{name} {value}" for name, value in card.architecture.items())
    rows = [
        ("plugin", card.plugin),
        ("tasks", ", ".join(f"{task} ({', '.join(_verbs(card, task))})" for task in card.tasks)),
        ("recommended", f"for {', '.join(card.recommended_for)}" if card.recommended_for else ""),
        ("mark", f"{mark(card)}: made to try zoo out, not to be used" if card.demonstration else ""),
        ("parameters", f"{card.parameters:,}" if card.parameters is not None else ""),
        ("architecture", shape),
        (
            "labels",
            ", ".join(list(distinct_names(card.labels).values())[:20]) + (" ..." if len(card.labels) > 20 else ""),
        ),
        ("columns", columns_text(card.columns)),
        ("languages", ", ".join(card.languages)),
        ("licence", card.license),
        ("paper", card.paper),
        ("published at", card.source_url),
        *((metric.name, f"{metric.value:g} on {metric.dataset} ({metric.source_url})") for metric in card.metrics),
        *_weights(card),
    ]
    return [(name, value) for name, value in rows if value]


def _verbs(card: Card, task: str) -> list[str]:
    """What the model can do for a task."""
    return [str(ability.verb) for ability in card.abilities if ability.task == task]


def columns_text(columns: dict[str, str]) -> str:
    """The columns that a result was trained on; empty where there are none."""
    return ", ".join(f"{role} {name!r}" for role, name in columns.items())


def _weights(card: Card) -> list[tuple[str, str]]:
    if card.weights is None:
        return [("weights", f"none: it starts {FROM_SCRATCH}")]
    here = "on this machine" if is_local(card) else "not on this machine yet: zoo pull fetches them"
    total = size(card.weights.size_bytes) + ", " if card.weights.size_bytes is not None else ""
    files = [(f"  {file.name}", f"sha256 {pin_shown(file)}") for file in card.weights.files if file.pin]
    return [("weights", total + here), *(("source", _source(s)) for s in card.weights.sources), *files]


def _source(source: Source) -> str:
    match source:
        case HubSource():
            return f"hub {source.repository} at {source.revision}"
        case UrlSource() | TorchHubSource():
            return source.base_url
        case PackageSource():
            return f"package {source.distribution}"
        case WheelSource():
            return str(source)
        case FolderSource():
            return source.path
