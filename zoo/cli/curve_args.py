"""`zoo data curve DATA --model MODEL`: the run that trains on ever more rows."""

from __future__ import annotations

import argparse

from zoo.catalog import Catalog
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import run_job, source_of
from zoo.cli.placement_args import place_of
from zoo.errors import OptionInvalid
from zoo.jobs import Job
from zoo.settings import value


def measure_data_curve(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch.

    Raises:
        OptionInvalid: no model is named.
    """
    if not args.model:
        raise OptionInvalid("a curve is one of a model that learns, and none is named", "--model MODEL names it")
    args.catalog = Catalog.load()
    job = Job(
        verb="curve",
        model=args.model,
        task=args.task or "",
        source=source_of(args, args.data, args.eval),
        place=place_of(args, precision=value("precision")),
        name=args.name,
    )
    return run_job(job, args)
