"""Go on with a run from its last checkpoint."""

from __future__ import annotations

import argparse

from zoo.api import Run, open_run
from zoo.cli.exit_codes import ExitCode
from zoo.cli.placement_args import add_detach, add_now
from zoo.cli.watching import leave_or_watch, with_followers
from zoo.jobs import PROCESSES
from zoo.options import read
from zoo.runs import sequence
from zoo.runs.log import waits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning")
    parser.add_argument(
        PROCESSES.flag,
        type=lambda text: read(PROCESSES, text),
        metavar="N",
        help="let as many processes go on with a training (default: as many as before)",
    )
    add_detach(parser)
    add_now(parser, "start beside the runs on the same GPU, not after them; a run that is queued, too")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Start a worker that goes on, and watch it."""
    resumed = open_run(args.run)
    first, *followers = with_followers(resumed)
    shards = tuple(map(Run, sequence.unfinished_shards(resumed.folder)))
    ended = resumed.status == "finished"  # and only those are gone on with that wait for it
    resumed.resume(now=args.now, processes=args.processes)
    in_turn = shards if waits(resumed.folder) else ()  # else it waits for them itself, and counts their rows
    runs = followers if ended else [*in_turn, first, *followers]
    return leave_or_watch(*runs, args=args)
