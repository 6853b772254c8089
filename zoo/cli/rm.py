"""Delete runs and their results."""

from __future__ import annotations

import argparse
import sys

from zoo.api import open_run
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid
from zoo.progress import size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help="names of runs, or their beginnings")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> ExitCode:
    """Ask once, then delete."""
    doomed = list(dict.fromkeys(open_run(name) for name in args.runs))  # one run may be named twice
    sizes = [sum(p.stat().st_size for p in one.folder.path.rglob("*") if p.is_file()) for one in doomed]
    for one, size_bytes in zip(doomed, sizes, strict=True):
        diagnostics.note(f"{one.name}  {one.status}  {size(size_bytes)}  {one.folder.path}")
    if not args.yes:
        if not sys.stdin.isatty():
            raise OptionInvalid("deleting needs a yes, and nobody is there to ask", "add -y")
        if input("delete? [y/N] ").strip().lower() not in ("y", "yes"):
            diagnostics.note("nothing was deleted")
            return ExitCode.OK
    for one in doomed:
        one.remove()
    output.line(f"deleted {len(doomed)}, freed {size(sum(sizes))}")
    return ExitCode.OK
