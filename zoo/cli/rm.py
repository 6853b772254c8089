"""Delete runs and their results."""

from __future__ import annotations

import argparse

from zoo.api import Run, open_run
from zoo.cli import diagnostics, output
from zoo.cli.confirmation import delete_confirmed
from zoo.cli.exit_codes import ExitCode
from zoo.errors import UnknownRun
from zoo.progress import size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help="whole names of runs")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> ExitCode:
    """Ask once, then delete."""
    doomed = list(dict.fromkeys(_exactly(name) for name in args.runs))  # one run may be named twice
    sizes = [sum(p.stat().st_size for p in one.folder.path.rglob("*") if p.is_file()) for one in doomed]
    for one, size_bytes in zip(doomed, sizes, strict=True):
        diagnostics.note(f"{one.name}  {one.status}  {size(size_bytes)}  {one.folder.path}")
    if not (args.yes or delete_confirmed()):
        return ExitCode.OK
    for one in doomed:
        one.remove()
    output.line(f"deleted {len(doomed)}, freed {size(sum(sizes))}")
    return ExitCode.OK


def _exactly(name: str) -> Run:
    """The run of that whole name: what is deleted must have been meant."""
    found = open_run(name)
    if found.name != name:
        raise UnknownRun(f"there is no run {name!r}", f"if you mean {found.name}, give its whole name")
    return found
