"""Watch a run. Ctrl-C ends the watching; the run goes on."""

from __future__ import annotations

import argparse

from zoo.api import open_run
from zoo.cli import diagnostics
from zoo.cli.exit_codes import ExitCode
from zoo.cli.watching import show_result, watch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning")


def run(args: argparse.Namespace) -> ExitCode:
    """Show what has happened and what happens."""
    watched = open_run(args.run)
    for follower in watched.followers:
        diagnostics.note(f"then: {follower.name}; watch it: zoo attach {follower.name}")
    code = watch(watched, stop_on_interrupt=False)
    if watched.status == "finished":
        show_result(watched)
    return code
