"""Pick the model that does best on labelled data."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import source_of, start_run
from zoo.cli.model_args import add_task
from zoo.cli.option_flags import add_help_all, add_options, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_now, add_place, add_placement, place_of
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.cli.watching import leave_or_watch
from zoo.jobs import Job
from zoo.pick_jobs import pick_request
from zoo.pick_options import PickOptions


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags."""
    add_help_all(parser)
    parser.examples = (
        "zoo pick --data reviews.csv",
        "zoo pick --data reviews.csv --under 100MB --within 10min --name mine",
        "zoo pick --data pets --models resnet18,mobilenet_v2-v1 --test pets-test",
    )
    parser.description = "\n".join(
        (
            str(parser.description),
            "",
            "Models are tried on the data: the body of each is asked once, the better ones are fine-tuned on few rows, "
            "the better of these on more, and the finalists on all. Rows held out choose, by paired tests; others are "
            "judged once, in the end. The result is a model like any other.",
        )
    )
    parser.add_argument("--data", metavar="DATA", required=True, help="rows with labels: a file, or a folder")
    parser.add_argument(
        "--test",
        metavar="DATA",
        default=None,
        help="rows that choose nothing and are judged once, in the end (default: a part of that name, or a share)",
    )
    add_options(parser, PickOptions, title="how a model is picked")
    add_columns(parser, label=True)
    add_reading_labels(parser)
    parser.add_argument("--name", default="", help="name of the run, and of the model that is picked")
    add_task(parser)
    add_placement(parser)
    add_place(parser)
    parser.advanced.append(add_now(parser))
    add_detach(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch."""
    job = Job(
        verb="pick",
        model="",
        task=args.task,
        source=source_of(args, args.data, args.test),
        place=place_of(args),
        name=args.name,
    )
    request = pick_request(job, options_of(args), args.catalog)
    names = ", ".join(one.name for one in request.students)
    diagnostics.note(f"device: {request.device} ({request.device_reason})")
    diagnostics.note(f"models: {names}")
    new_run = start_run(request, args)
    if not args.detach:
        diagnostics.note(f"run: {new_run.name}")
    return leave_or_watch(new_run, args=args)
