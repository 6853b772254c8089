"""List the models."""

from __future__ import annotations

import argparse
from collections import Counter

from msgspec.structs import asdict

from zoo.card import VERBS, Card
from zoo.catalog import Catalog, local_weights
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid, UnknownPlugin
from zoo.model_filter import MEMORY_RULE, model_filter, parameter_limit
from zoo.plugins import plugin_names
from zoo.ranking import LONG_LIST, in_sections, is_recommended, mark, marked_tasks, section, unfolded
from zoo.sanitize import one_line
from zoo.suggested import suggested
from zoo.suggestions import did_you_mean
from zoo.tasks import EXAMPLE, check_task
from zoo.units import count, size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="only models that mention every word")
    parser.add_argument(
        "--task", default="", help=f"only models that do this task or can be trained for it, such as {EXAMPLE}"
    )
    parser.add_argument("--plugin", default="", help="only models of this plugin")
    parser.add_argument("--family", default="", help="only models of this family, such as bert or efficientnet")
    parser.add_argument(
        "--max-parameters", metavar="N", default="", help="only models of at most so many parameters, such as 25M"
    )
    parser.add_argument("--fits", choices=VERBS, default="", help=f"only models that fit into memory: {MEMORY_RULE}")
    parser.add_argument("--all", action="store_true", help="list older and other weights of the same network, too")
    parser.add_argument("--local", action="store_true", help="only models whose weights are on this machine")
    parser.add_argument(
        "--suggested", action="store_true", help="list well-known models of the Hub instead, which zoo pull brings here"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print a table, or JSON."""
    if args.task:
        check_task(args.task)  # a task that does not exist is a mistake, not an empty answer
    if args.plugin and args.plugin not in plugin_names():
        hint = did_you_mean(args.plugin, plugin_names(), f"installed: {', '.join(plugin_names())}")
        raise UnknownPlugin(f"there is no plugin {args.plugin!r}", hint)
    catalog = Catalog.load()
    if args.suggested:
        return _list_suggested(args, catalog)
    matching = _matching(catalog, args)
    cards = matching if args.all or args.words or args.local or args.json else unfolded(matching)
    if args.json:
        from zoo.ability_options import with_all_options

        output.emit_json([with_all_options(card) for card in cards])
    elif cards:
        names = Counter(card.name for card in catalog.cards)
        in_order = args.words or args.task or len(cards) <= LONG_LIST
        cards = cards if in_order else in_sections(cards)
        output.table(
            [_row(card, args.task, clash=names[card.name] > 1) for card in cards],
            ("NAME", "MARK", "PARAMS", "SIZE", "HERE", "FAMILY", "TASKS (* recommended)", "SUMMARY"),
            ["strong" if is_recommended(card, args.task) else "plain" for card in cards],
            [] if in_order else list(map(section, cards)),
        )
        if folded := len(matching) - len(cards):
            sets, is_left, them = ("set", "is", "it") if folded == 1 else ("sets", "are", "them")
            diagnostics.note(
                f"{folded} older or other {sets} of weights of these {is_left} left out: --all lists {them}"
            )
    else:
        narrowing = (args.words, args.task, args.plugin, args.family, args.local, args.max_parameters, args.fits)
        filtered = any(narrowing)
        diagnostics.note(_nothing(catalog, filtered=filtered))
    for failure in catalog.failures:
        diagnostics.warn(f"plugin {failure.name}: {failure.error} (zoo plugins)")
    for problem in catalog.problems:
        diagnostics.warn(one_line(problem))
    return ExitCode.OK


def _list_suggested(args: argparse.Namespace, catalog: Catalog) -> ExitCode:
    """What to pull, and what of it is in the catalog already."""
    given = {"--plugin": args.plugin, "--family": args.family, "--fits": args.fits, "--local": args.local}
    if unfit := [flag for flag, value in given.items() if value]:
        raise OptionInvalid(
            f"{unfit[0]} is not known of models that are not here", "--suggested takes words, --task, --max-parameters"
        )
    words = [word.lower() for word in args.words]
    models = suggested(words, task=args.task, max_parameters=parameter_limit(args.max_parameters))
    listed = [(one, catalog.of_repository(one.repository)) for one in models]
    if args.json:
        output.emit_json([asdict(one) | {"listed_as": card.name if card else None} for one, card in listed])
    elif listed:
        rows = [
            (
                one.repository,
                count(one.parameters) if one.parameters is not None else "",
                one.license,
                card.name if card else "",
            )
            for one, card in listed
        ]
        headers = ("NAME", "PARAMS", "LICENCE", "LISTED HERE AS")
        output.table(rows, headers, ["plain"] * len(rows), [one.task for one in models])
        diagnostics.note("zoo pull hub:NAME brings one here, at the commit that is newest then")
    else:
        diagnostics.note("no model matches; zoo search asks the Hub")
    return ExitCode.OK


def _matching(catalog: Catalog, args: argparse.Namespace) -> tuple[Card, ...]:
    """The models that the flags leave."""
    chosen = model_filter(
        catalog.cards, _most_memory, family=args.family, max_parameters=args.max_parameters, fits=args.fits
    )
    cards = catalog.search(" ".join(args.words), task=args.task, plugin=args.plugin, local=args.local)
    return tuple(card for card in cards if chosen.matches(card))


def _most_memory() -> int | None:
    """Of this machine; what finds it out is imported where it is asked for."""
    from zoo.devices import most_memory

    return most_memory()


def _nothing(catalog: Catalog, *, filtered: bool) -> str:
    """Why there is nothing to list."""
    broken = ", ".join(failure.name for failure in catalog.failures)
    if broken:
        of_others = "no model of the other plugins matches" if filtered and catalog.cards else "there are no models"
        return f"{of_others}; what could not be loaded: {broken}"
    return "no model matches" if catalog.cards else "there are no models: no plugin is installed (zoo install)"


def _row(card: Card, task: str, *, clash: bool) -> tuple[str, ...]:
    size_bytes = card.weights.size_bytes if card.weights else None
    return (
        card.full_name if clash else card.name,
        mark(card, task),
        count(card.parameters) if card.parameters is not None else "",
        size(size_bytes) if size_bytes is not None else "",
        "-" if card.weights is None else _here(card),
        card.family,
        marked_tasks(card),
        card.summary,
    )


def _here(card: Card) -> str:
    """Whether its weights are on this machine, and which where they are others than its publisher's."""
    weights = local_weights(card)
    return "no" if weights is None else weights.variant or "yes"
