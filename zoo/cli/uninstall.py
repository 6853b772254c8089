"""Take a plugin out of the running environment; what it brought along stays."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, output
from zoo.cli.confirmation import confirmed
from zoo.cli.exit_codes import ExitCode
from zoo.installation.operation import Installation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("plugin", metavar="NAME", help="a plugin, or the package it came in")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> ExitCode:
    """Ask, then uninstall."""
    installation = Installation()
    distribution, package = installation.find(args.plugin)
    diagnostics.note(f"{package.name} {package.version}, with plugin {', '.join(package.plugins)}")
    for dependent in installation.dependents(distribution):
        diagnostics.warn(f"{dependent} needs it")
    if not (args.yes or confirmed("uninstall?", deed="uninstalling", otherwise="nothing was uninstalled")):
        return ExitCode.OK
    installation.uninstall(distribution)
    output.line(f"uninstalled {package.name} {package.version}")
    return ExitCode.OK
