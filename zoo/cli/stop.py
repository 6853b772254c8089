"""Stop a run; it writes a checkpoint first."""

from __future__ import annotations

import argparse

from zoo.api import open_run
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.runs import control


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning")
    parser.add_argument("--force", action="store_true", help="kill it at once, without a checkpoint")


def run(args: argparse.Namespace) -> ExitCode:
    """Ask, then terminate, then kill."""
    stopped = open_run(args.run)
    diagnostics.status(f"stopping {stopped.name}")
    outcome = control.stop(stopped.folder, force=args.force)
    output.line(f"{stopped.name}: {stopped.status}" if outcome == "not running" else f"{stopped.name}: {outcome}")
    if outcome != "not running" and stopped.status == "cancelled":
        diagnostics.note(f"go on with it: zoo resume {stopped.name}")
        for follower in stopped.followers:
            diagnostics.note(f"{follower.name} waits for its end, and does not begin")
    return ExitCode.OK
