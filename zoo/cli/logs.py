"""Show what a run's worker printed."""

from __future__ import annotations

import argparse
import sys
import time

from zoo.api import open_run
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.runs.liveness import is_alive
from zoo.runs.store import RunFolder

POLL_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")


def run(args: argparse.Namespace) -> ExitCode:
    """Print the log, made safe for the terminal."""
    folder = open_run(args.run).folder
    offset = 0
    while args.follow and is_alive(folder):
        offset = _print_from(folder, offset, whole_lines=True)
        time.sleep(POLL_S)
    offset = _print_from(folder, offset, whole_lines=False)
    if not offset:
        diagnostics.note(f"run {folder.name} has printed nothing")
    return ExitCode.OK


def _print_from(folder: RunFolder, offset: int, *, whole_lines: bool) -> int:
    """Print what has come since; a line that is still being written waits for its end if `whole_lines`."""
    if not folder.log_path.exists():
        return 0
    with folder.log_path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if whole_lines and not line.endswith(b"\n"):
                break
            output.line(line.decode(errors="replace").removesuffix("\n"))
            offset += len(line)
    sys.stdout.flush()
    return offset
