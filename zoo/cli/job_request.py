"""From a job on the command line to the request of its run."""

from __future__ import annotations

import argparse

from zoo.api import Run, start
from zoo.cli import diagnostics
from zoo.cli.exit_codes import ExitCode
from zoo.cli.source_args import columns_of, newest
from zoo.cli.watching import leave_or_watch
from zoo.file_cache import clear
from zoo.jobs import Job
from zoo.requests import request_of
from zoo.runs.request import RunRequest
from zoo.sources import Source


def checked_request(job: Job, args: argparse.Namespace) -> RunRequest:
    """Check a job, and report where it will compute and why there.

    Args:
        job: what is asked for.
        args: of a command that called `add_model_options`, which has read the catalog.
    """
    request = request_of(job, args.catalog)
    report_placement(request)
    return request


def report_placement(request: RunRequest) -> None:
    """Say where a run will compute, and why there."""
    diagnostics.note(f"device: {request.device}, {request.precision} ({request.device_reason})")


def start_run(request: RunRequest, args: argparse.Namespace) -> Run:
    """Start a run; the command may watch it for hours, so nothing is kept of what was read."""
    run = start(request, now=args.now)
    clear()
    return run


def run_job(job: Job, args: argparse.Namespace) -> ExitCode:
    """Check a job, start its run, and watch that or leave it to itself, as `--detach` says."""
    run = start_run(checked_request(job, args), args)
    if not args.detach:
        diagnostics.note(f"run: {run.name}")
    return leave_or_watch(run, args=args)


def source_of(args: argparse.Namespace, data: str, eval_data: str | None = None) -> Source:
    """The data of a job, as the flags say."""
    return Source(
        data=data,
        eval_data=eval_data,
        columns=columns_of(args),
        separator=newest(args, "separator"),
        classes=newest(args, "classes"),
        merge_labels=getattr(args, "merge_labels", False),
        teacher=newest(args, "teacher"),
    )
