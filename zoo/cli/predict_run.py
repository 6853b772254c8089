"""`zoo predict --out FILE`: the rows of a file are answered in a run of their own."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import checked_request, source_of, start_run
from zoo.cli.option_flags import options_of
from zoo.cli.placement_args import place_of
from zoo.cli.watching import leave, show_result, watch
from zoo.jobs import Job


def to_file(args: argparse.Namespace) -> ExitCode:
    """Start the run, and watch it."""
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
        draw=args.draw,
    )
    request = checked_request(job, args)
    new_run = start_run(request, args)
    if args.detach:
        return leave(new_run, as_json=args.json)
    diagnostics.note(f"run: {new_run.name}")
    code = watch(new_run, stop_on_interrupt=True)
    if args.json:
        s = new_run.snapshot
        output.emit_json(
            {"run": new_run.name, "rows": s.rows_predicted, "rejected": s.rejected_rows, "out": request.out}
        )
    elif code == ExitCode.OK:
        show_result(new_run)
    return code
