"""Show what happened in a run, with times; where it failed, also what its worker printed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from zoo.api import Run, open_run
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.history import History
from zoo.cli.parser import Parser
from zoo.runs.events import AnyEvent, encode
from zoo.runs.liveness import is_alive
from zoo.runs.log import follow as follow_events
from zoo.runs.log import read_events
from zoo.runs.store import RunFolder
from zoo.sanitize import plain

POLL_S = 0.2


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    parser.add_argument(
        "--worker", action="store_true", help="instead, all that the worker and its libraries printed, tracebacks too"
    )
    parser.add_argument("--json", action="store_true", help="instead, every event, one JSON object a line")


def run(args: argparse.Namespace) -> ExitCode:
    """Print it, made safe for the terminal."""
    logged_run = open_run(args.run)
    if args.worker:
        if not _print_worker(logged_run.folder, follow=args.follow):
            diagnostics.note(f"the worker of run {logged_run.name} has printed nothing")
    elif args.json:
        for event in _events(logged_run.folder, follow=args.follow):
            output.raw(encode(event).decode())
            output.flush()
    else:
        _print_history(logged_run, follow=args.follow)
    return ExitCode.OK


def _print_history(logged_run: Run, *, follow: bool) -> None:
    history = History(logged_run.folder.request, verbose=diagnostics.verbose())
    for event in _events(logged_run.folder, follow=follow):
        for text in history.lines(event):
            output.line(text)
        output.flush()
    s = logged_run.snapshot
    if s.status == "created":
        diagnostics.note(f"run {logged_run.name} has not begun")
    if s.status == "waiting":
        diagnostics.note(f"run {logged_run.name} waits for the end of {s.after}")
    if s.status == "crashed":
        output.line(f"crashed: {s.error}")
    if s.status in ("failed", "crashed", "interrupted"):
        output.line("what the worker printed:")
        if not _print_worker(logged_run.folder, follow=False):
            output.line("nothing")
        diagnostics.note(f"zoo why {logged_run.name} says what may be done")


def _events(folder: RunFolder, *, follow: bool) -> Iterator[AnyEvent]:
    """What has happened, and with `follow` what goes on happening until the run ends."""
    if follow:
        yield from (event for event in follow_events(folder) if event is not None)
    else:
        yield from read_events(folder)[0]


def _print_worker(folder: RunFolder, *, follow: bool) -> int:
    """Print the worker's own words; returns how many bytes there were."""
    offset = 0
    while follow and is_alive(folder):
        offset = _print_from(folder, offset, whole_lines=True)
        time.sleep(POLL_S)
    return _print_from(folder, offset, whole_lines=False)


def _print_from(folder: RunFolder, offset: int, *, whole_lines: bool) -> int:
    """Print what has come since; a line that is still being written waits for its end if `whole_lines`."""
    if not folder.log_path.exists():
        return 0
    with folder.log_path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if whole_lines and not line.endswith(b"\n"):
                break
            for text in plain(line.decode(errors="replace").removesuffix("\n")).split("\n"):  # a \r ends one, too
                output.line(text)
            offset += len(line)
    output.flush()
    return offset
