"""List all runs, newest first."""

from __future__ import annotations

import argparse

from zoo.cli import listing
from zoo.cli.exit_codes import ExitCode
from zoo.cli.listing import add_arguments

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> ExitCode:
    """Print every run of the store."""
    return listing.show(args, only_live=False)
