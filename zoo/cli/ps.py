"""List the runs that are going on."""

from __future__ import annotations

import argparse

from zoo.cli import listing
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print those whose worker is at it."""
    return listing.show(listing.live(), as_json=args.json, empty="no run is going on (zoo runs lists all)")
