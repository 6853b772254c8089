"""Write all that is known of a run as one page, and its curves as a picture."""

from __future__ import annotations

import argparse

from zoo.api import open_run
from zoo.cli import output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = ("zoo report mine --html mine.html", "zoo report mine --png curves.png")
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning; one that is going on, too")
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="curves, evaluation, data, examples, settings, environment and how to run it again, in one file that "
        "needs nothing from elsewhere",
    )
    parser.add_argument("--png", metavar="FILE", help="the curves")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Write them; prints where they are."""
    found = open_run(args.run)
    if args.html is None and args.png is None:
        raise OptionInvalid(
            "nothing is named to write", f"zoo report {found.name} --html report.html, or --png curves.png"
        )
    files = found.save_report(html=args.html, png=args.png)
    if args.json:
        output.emit_json({"run": found.name, "files": [str(path) for path in files]})
    else:
        for path in files:
            output.line(str(path))
    return ExitCode.OK
