"""Call a run, and the model that came of it, by another name."""

from __future__ import annotations

import argparse

from zoo.api import open_run
from zoo.cli import output
from zoo.cli.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning")
    parser.add_argument("name", metavar="NAME", help="its new name")


def run(args: argparse.Namespace) -> ExitCode:
    """Rename; prints the new name."""
    output.line(open_run(args.run).rename(args.name).name)
    return ExitCode.OK
