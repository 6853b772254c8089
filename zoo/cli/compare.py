"""Hold runs and models against one another: figures, tests, rows, settings, cost."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.fetching import show_fetching
from zoo.cli.job_request import source_of
from zoo.cli.option_flags import add_help_all
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_placement, place_of
from zoo.cli.render import show_blocks
from zoo.cli.source_args import add_columns, add_reading_labels, columns_of
from zoo.comparison import Listener, compare_models
from zoo.comparison.result import document
from zoo.comparison.rows_file import differences_file, write_differences
from zoo.errors import OptionInvalid
from zoo.fetch import Progress


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags."""
    add_help_all(parser)
    parser.examples = ("zoo compare mine other", "zoo compare mine other bert-base-uncased --data test.csv")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="two or more runs, heads of runs, or models")
    parser.add_argument(
        "--data",
        metavar="DATA",
        default="",
        help="labelled rows that all answer (default: those that all were judged on, if these are the same)",
    )
    parser.add_argument("--metric", default="", help="the figure that is tested (default: that of the task)")
    parser.add_argument(
        "--differences",
        metavar="FILE",
        default="",
        help="write all rows that are not answered alike there; by its ending as .csv, .tsv, .jsonl or .ndjson",
    )
    add_columns(parser, label=True)
    add_reading_labels(parser)
    parser.add_argument("--task", default="", help="what the models answer, where one knows several tasks")
    add_placement(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Let the models answer here, one after the other, and print what comes of it."""
    _check_flags(args)
    path = differences_file(args.differences) if args.differences else None
    diagnostics.show_log_warnings()
    comparison = compare_models(
        args.runs,
        source=source_of(args, args.data) if args.data else None,
        task=args.task,
        metric=args.metric,
        place=place_of(args),
        listener=_Shown(),
    )
    if path is not None and comparison.untested:
        raise OptionInvalid(
            f"--differences {path} has no rows to write: {comparison.untested}", "give rows for all: --data FILE"
        )
    if path is not None:
        write_differences(comparison, path)
    if args.json:
        output.emit_json(document(comparison))
    else:
        show_blocks(comparison.blocks())
    if comparison.untested:
        diagnostics.note("rows that all answer make a test possible: --data FILE")
    if path is not None:
        diagnostics.note(f"{path} has all rows that are not answered alike")
    return ExitCode.OK


def _check_flags(args: argparse.Namespace) -> None:
    """Refuse flags that mean nothing without another."""
    reading = (columns_of(args), args.merge_labels, args.separator, args.classes, args.task)
    if not args.data and any(reading):
        raise OptionInvalid("columns, labels and --task go with --data", "name the rows that all shall answer")


class _Shown(Listener):
    """Shows on stderr how it goes."""

    def note(self, message: str) -> None:
        diagnostics.note(message)

    def fetching(self, progress: Progress) -> None:
        show_fetching(progress)

    def answered(self, model: str, done: int, total: int) -> None:
        diagnostics.status(f"{model}: {done:,} of {total:,} rows answered")
