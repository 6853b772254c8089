"""Judge a model on labelled data."""

from __future__ import annotations

import argparse

from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import run_job, source_of
from zoo.cli.model_args import add_model_options, add_task, model_word
from zoo.cli.option_flags import add_help_all, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_now, add_place, add_placement, place_of
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.errors import OptionInvalid
from zoo.jobs import Job


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included."""
    if any(word.partition("=")[0] == "--eval" for word in words):
        raise OptionInvalid(
            "--eval belongs to a training; an evaluation is made on --data", "name the file with --data"
        )
    add_help_all(parser)
    parser.examples = ("zoo evaluate mine --data test.csv", "zoo evaluate mine --data test.csv --errors wrong.csv")
    parser.add_argument("model", metavar="MODEL", help="a finished run, or a model that classifies")
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=True,
        help="CSV, TSV, JSON or Parquet, with labels, or a folder of images in class folders",
    )
    add_columns(parser, label=True)
    add_reading_labels(parser)
    parser.add_argument(
        "--errors",
        metavar="FILE",
        help="write the rows that are answered wrongly there, the worst first; by its ending as .csv, "
        ".tsv, .jsonl or .ndjson",
    )
    parser.add_argument(
        "--by",
        metavar="COLUMN",
        default="",
        help="tell rows apart by their value in this column: the main figure of each, with its interval",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="correct how sure a classifier is by these rows (temperature scaling), and keep that with it; zoo predict "
        "--abstain takes it",
    )
    parser.add_argument("--name", default="", help="name of the run")
    add_task(parser)
    add_placement(parser)
    add_place(parser)
    add_now(parser)
    add_detach(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    if name := model_word(parser, words):
        add_model_options(parser, words, name, "predict")


def run(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch."""
    job = Job(
        verb="evaluate",
        model=args.model,
        task=args.task,
        source=source_of(args, args.data),
        place=place_of(args),
        options=options_of(args),
        name=args.name,
        out=args.errors or "",
        by=args.by,
        calibrate=args.calibrate,
    )
    return run_job(job, args)
