"""Make a model smaller that answers as well."""

from __future__ import annotations

import argparse

from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import run_job, source_of
from zoo.cli.model_args import add_model_options, add_task, model_word
from zoo.cli.option_flags import add_help_all, add_options, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_device, add_now, add_place, place_of
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.jobs import Job
from zoo.shrink_options import ShrinkOptions


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included."""
    add_help_all(parser)
    parser.examples = (
        "zoo shrink mine --data test.csv",
        "zoo shrink mine --data test.csv --formats bf16,int8 --max-drop 0.005 --target latency --name mine-small",
        "zoo shrink mine --data test.csv --into bert-mini",
    )
    parser.description = "\n".join(
        (
            str(parser.description),
            "",
            "Weights are kept in fewer bits, and a smaller model may learn the answers (--into). What comes of it "
            "answers the same rows as the model as it is, and is taken only if the whole 95% interval of the paired "
            "difference is within --max-drop; otherwise nothing is written, and the exit code is "
            f"{int(ExitCode.GATE)}.",
        )
    )
    parser.add_argument("model", metavar="RUN", help="a finished run, or one of its heads")
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=True,
        help="rows with labels that the model has not learnt from: a file, or a folder, as for zoo evaluate",
    )
    add_options(parser, ShrinkOptions, title="how it is made smaller")
    add_columns(parser, label=False)
    parser.add_argument(
        "--label", default="", metavar="COLUMN", help="column of the labels (default: by its usual names)"
    )
    add_reading_labels(parser)
    parser.add_argument("--name", default="", help="name of the run, and of the smaller model")
    add_task(parser)
    add_device(parser)
    add_place(parser)
    add_now(parser)
    add_detach(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    if name := model_word(parser, words):
        add_model_options(parser, words, name, "predict")


def run(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch."""
    typed, of_shrinking = options_of(args), ShrinkOptions.__struct_fields__
    job = Job(
        verb="shrink",
        model=args.model,
        task=args.task,
        source=source_of(args, args.data),
        place=place_of(args, precision="fp32"),
        options={name: value for name, value in typed.items() if name not in of_shrinking},
        name=args.name,
        shrinking={name: value for name, value in typed.items() if name in of_shrinking},
    )
    return run_job(job, args)
