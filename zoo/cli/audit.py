"""Look whether a model gives away the rows that it learnt from."""

from __future__ import annotations

import argparse

from zoo.audit_options import AuditOptions
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import run_job, source_of
from zoo.cli.model_args import add_model_options, add_task, model_word
from zoo.cli.option_flags import add_help_all, add_options, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_device, add_now, add_place, place_of
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.jobs import Job


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included."""
    add_help_all(parser)
    parser.examples = ("zoo audit mine", "zoo audit mine --data learnt.csv --held-out others.csv --shadows 8")
    parser.description = "\n".join(
        (
            str(parser.description),
            "",
            "Attacks try to tell rows that the model learnt from apart from others (membership inference): by its loss "
            "alone, and with --shadows by LiRA. It finds members only where the 95% interval excludes chance.",
        )
    )
    parser.add_argument("model", metavar="RUN", help="a finished run, or a model that chooses labels")
    parser.add_argument(
        "--data", metavar="DATA", default="", help="rows that the model learnt from (default: those of its run)"
    )
    parser.add_argument(
        "--held-out",
        metavar="DATA",
        default="",
        help="rows like them that it did not learn from (default: those that its run held out)",
    )
    add_options(parser, AuditOptions, title="how it is audited")
    add_columns(parser, label=True)
    add_reading_labels(parser)
    parser.add_argument("--name", default="", help="name of the run")
    add_task(parser)
    add_device(parser)
    add_place(parser)
    add_now(parser)
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    if name := model_word(parser, words, AuditOptions):
        add_model_options(parser, words, name, "predict")


def run(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch."""
    typed, of_auditing = options_of(args), AuditOptions.__struct_fields__
    job = Job(
        verb="audit",
        model=args.model,
        task=args.task,
        source=source_of(args, args.data, args.held_out),
        place=place_of(args, precision="fp32"),
        options={name: value for name, value in typed.items() if name not in of_auditing},
        name=args.name,
        auditing={name: value for name, value in typed.items() if name in of_auditing},
    )
    return run_job(job, args)
