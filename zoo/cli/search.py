"""Find models on the Hugging Face Hub; `zoo pull hub:NAME` brings one here."""

from __future__ import annotations

import argparse

from msgspec.structs import asdict

from zoo.card import Card
from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.option_flags import add_number
from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid
from zoo.fetch.hub import HubHit, search
from zoo.options import Option
from zoo.ranking import is_recommended, mark
from zoo.tasks import EXAMPLE, check_task
from zoo.units import count

LIMIT = Option(name="limit", kind="int", default=20, help="Most answers.", ge=1, le=100)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="what the name must hold")
    parser.add_argument("--task", default="", help=f"only models for this task, such as {EXAMPLE}")
    add_number(parser, LIMIT)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Ask the Hub; models that need code of their own are left out, those recommended here come first."""
    if not args.words and not args.task:
        raise OptionInvalid("nothing says what to look for", "give a word, --task, or both")
    if args.task:
        check_task(args.task)
    diagnostics.show_log_warnings()
    answers = search(" ".join(args.words), task=args.task, limit=args.limit)
    catalog = Catalog.load()
    hits = [(hit, catalog.of_repository(hit.id)) for hit in answers if "custom_code" not in hit.tags]
    hits.sort(key=lambda pair: pair[1] is None or not is_recommended(pair[1], args.task))
    if args.json:
        output.emit_json([asdict(hit) | {"listed_as": card.name if card else None} for hit, card in hits])
    elif hits:
        headers = ("NAME", "TASK", "DOWNLOADS", "LIKES", "LISTED HERE AS", "LICENCE")
        output.table([_row(hit, card, args.task) for hit, card in hits], headers)
        diagnostics.note("zoo pull hub:NAME brings one here, if a plugin knows its architecture")
    else:
        diagnostics.note("the Hub has no such model with safetensors")
    if len(hits) < len(answers):
        diagnostics.note(f"{len(answers) - len(hits)} left out: they need code of their own, which zoo never runs")
    return ExitCode.OK


def _row(hit: HubHit, card: Card | None, task: str) -> tuple[str, ...]:
    listed = f"{card.name}, {mark(card, task)}" if card else ""
    return (hit.id, hit.pipeline_tag, count(hit.downloads), count(hit.likes), listed, hit.license)
