"""Install a plugin into the running environment: its author's code, so that it is shown first and asked about."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.plugin_verbs import install_agreed, install_with_progress
from zoo.installation.operation import Installation
from zoo.installation.requirement import parse_requirement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("plugin", metavar="NAME|PATH|URL", help="a package, with a version or not; a wheel; a folder")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--build", action="store_true", help="build what comes as source; its author's code runs then")


def run(args: argparse.Namespace) -> ExitCode:
    """Show what would change, ask, install, and look whether everything works."""
    requirement = parse_requirement(args.plugin)
    installation = Installation()
    plan = install_agreed(installation, requirement, build=args.build, yes=args.yes)
    if plan is None:
        return ExitCode.OK
    if not plan.changes:
        output.line(f"{installation.keep(plan)} is installed already")
        return ExitCode.OK
    diagnostics.status("installing; large packages take minutes")
    install_with_progress(installation, plan)
    return ExitCode.OK
