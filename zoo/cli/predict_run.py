"""`zoo predict --out FILE`: the rows of a file are answered in a run of their own."""

from __future__ import annotations

import argparse

from zoo.api.starting import start, start_divided
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import report_placement, source_of
from zoo.cli.option_flags import options_of
from zoo.cli.placement_args import place_of
from zoo.cli.watching import leave, show_result, watch_in_turn
from zoo.file_cache import clear
from zoo.jobs import Job
from zoo.shard_jobs import shard_requests


def to_file(args: argparse.Namespace) -> ExitCode:
    """Start the run, or those of all shards and the one that joins them, and watch them."""
    job = Job(
        verb="predict",
        model=args.model,
        task=args.task,
        source=source_of(args, args.file),
        place=place_of(args),
        options=options_of(args),
        name=args.name,
        out=args.out,
        format=args.format,
        keep=args.keep,
        shards=args.shards,
        shard_of=args.shard_of,
        draw=args.draw,
    )
    requests = shard_requests(job, args.catalog)
    report_placement(requests[0])
    *shards, last = start_divided(requests, now=args.now) if len(requests) > 1 else (start(requests[0], now=args.now),)
    clear()
    if args.detach:
        return leave(last, as_json=args.json)
    diagnostics.note(f"run: {last.name}" + (f", which joins {shards[0].name} to {shards[-1].name}" if shards else ""))
    code = watch_in_turn(
        *(() if requests[0].place else shards), last
    )  # at a place they go on at once, and it counts their rows
    if args.json:
        s = last.snapshot
        output.emit_json(
            {"run": last.name, "rows": s.rows_predicted, "rejected": s.rejected_rows, "out": requests[-1].out}
        )
    elif code == ExitCode.OK:
        show_result(last)
    return code
