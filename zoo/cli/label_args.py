"""`zoo data inspect DATA --labels MODEL`: its flags, and the run that looks for labels in doubt."""

from __future__ import annotations

import argparse

from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import checked_request, run_job, source_of, start_run
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_device, add_now, add_place, place_of
from zoo.cli.watching import watch
from zoo.errors import OptionInvalid
from zoo.jobs import Job


def add_label_arguments(parser: Parser) -> None:
    """`--labels` and what goes with it."""
    group = parser.add_argument_group("labels in doubt")
    group.add_argument(
        "--labels",
        metavar="MODEL",
        default="",
        help="list the rows whose label is most probably wrong, by what this model or run makes of the inputs: a "
        "linear classifier on its vectors judges each row by the other rows",
    )
    group.add_argument(
        "--out", metavar="FILE", default="", help="write all such rows there, as .csv, .tsv or .jsonl (with --labels)"
    )
    group.add_argument("--name", default="", help="name of the run (with --labels, and of a curve)")
    add_device(parser)
    add_place(parser)
    add_now(parser)
    add_detach(parser)


def check_label_arguments(args: argparse.Namespace) -> None:
    """Insist on flags that go together.

    Raises:
        OptionInvalid: some do not.
    """
    if args.labels:
        if args.verb != "inspect":
            raise OptionInvalid("--labels is for zoo data inspect", f"zoo data inspect {args.data} --labels MODEL")
        clash = next((name for name in ("model", "eval") if getattr(args, name)), "")
        if clash:
            hint = "it names the model" if clash == "model" else "look at the labels of each file apart"
            raise OptionInvalid(f"--{clash} and --labels do not go together", f"leave --{clash} out: {hint}")
        return
    alone = next((name for name in ("out", "name", "now", "detach") if getattr(args, name)), "")
    if alone and (args.verb == "inspect" or alone == "out"):
        raise OptionInvalid(
            f"--{alone} is for --labels", "--labels MODEL lists rows whose label is most probably wrong"
        )


def inspect_labels(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker, watch, and list the rows."""
    args.catalog = Catalog.load()
    job = Job(
        verb="inspect",
        model=args.labels,
        task=args.task or "",
        source=source_of(args, args.data),
        place=place_of(args, precision="fp32"),
        name=args.name,
        out=args.out,
    )
    if args.detach or not args.json:
        return run_job(job, args)
    run = start_run(checked_request(job, args), args)
    diagnostics.note(f"run: {run.name}")
    code = watch(run, stop_on_interrupt=True)
    output.emit_json({"run": run.name, "snapshot": run.snapshot, "doubtful_labels": run.doubtful_labels})
    return code
