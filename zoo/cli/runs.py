"""List runs, newest first."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, listing
from zoo.cli.exit_codes import ExitCode
from zoo.cli.option_flags import add_number
from zoo.cli.parser import Parser
from zoo.options import Option

LAST = Option(name="last", kind="int", default=None, help="Only the newest N that match.", ge=1)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("--verb", choices=listing.VERBS, help="only runs that do this")
    parser.add_argument("--status", choices=listing.STATUSES, help="only runs that are, or ended, so")
    add_number(parser, LAST, help="only the newest N that match")
    parser.add_argument("--all", action="store_true", help="older predictions that have finished, too")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document, of all that match")


def run(args: argparse.Namespace) -> ExitCode:
    """Print the runs that match; without a filter, of finished predictions the newest only."""
    entries = listing.selected(args.verb or "", args.status or "", args.last)
    filtered = args.verb or args.status or args.last
    visible = entries if args.json or args.all or filtered else listing.without_surplus(entries)
    code = listing.show(visible, as_json=args.json, empty="no run matches" if filtered else "no runs yet")
    if hidden := len(entries) - len(visible):
        diagnostics.note(f"{hidden:,} older predictions are not shown: zoo runs --all, zoo runs --verb predict")
    return code
