"""Look at a data set before training on it: `zoo data inspect DATA`."""

from __future__ import annotations

import argparse
from contextlib import nullcontext

from zoo.abilities import choose_ability, input_limits, offering_models
from zoo.card import Card, Verb
from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.curve_args import measure_data_curve
from zoo.cli.exit_codes import ExitCode
from zoo.cli.label_args import add_label_arguments, check_label_arguments, inspect_labels
from zoo.cli.parser import Parser
from zoo.cli.render import render
from zoo.cli.samples import show_samples
from zoo.cli.source_args import add_columns, add_reading_labels, columns_of, newest
from zoo.data import inspect, likely_task
from zoo.data.drawn_rows import drawn_rows
from zoo.data.example import UNKNOWN
from zoo.data.inspection_text import report
from zoo.data.loading import first_examples
from zoo.data.report import Inspection
from zoo.file_cache import read_once
from zoo.kinds.facts import ModelLimits
from zoo.model_choice import choose_model
from zoo.tasks import get_task
from zoo.tasks.task import Task

_STATUS_EVERY = 100
SAMPLES = 3
"""Rows that are drawn."""


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = (
        "zoo data inspect reviews.csv",
        "zoo data inspect reviews.csv --model all-minilm-l6-v2",
        "zoo data inspect reviews.csv --labels all-minilm-l6-v2 --out doubtful.csv",
        "zoo data curve reviews.csv --model all-minilm-l6-v2",
    )
    parser.add_argument(
        "verb",
        choices=("inspect", "curve"),
        help="inspect: count, measure, find what spoils a training; curve: train on ever more rows, and tell whether "
        "more than there are would help",
    )
    parser.add_argument("data", metavar="DATA", help="CSV, TSV, JSON, Parquet, text, or a folder of images")
    parser.add_argument("--eval", metavar="DATA", help="evaluation data, compared with DATA; of a curve what judges")
    parser.add_argument(
        "--model", metavar="MODEL", help="measure against what this model takes; of a curve what is trained"
    )
    parser.add_argument("--task", help="what the data is for (default: that of --model, else as the data looks)")
    add_columns(parser, label=True)
    add_reading_labels(parser)
    add_label_arguments(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


@read_once()
def run(args: argparse.Namespace) -> ExitCode:
    """Inspect and report; data that cannot be used ends with the exit code of data errors."""
    check_label_arguments(args)
    if args.verb == "curve":
        return measure_data_curve(args)
    if args.labels:
        return inspect_labels(args)
    card = _card(args) if args.model else None
    training: Verb = "finetune" if card and "finetune" in card.verbs else "pretrain"
    with offering_models(card, training) if card else nullcontext():
        task = _task(args, card, training).divided_at(newest(args, "separator")).named_by(newest(args, "classes"))
        inspection = inspect(
            args.data,
            task,
            eval_path=args.eval,
            columns=columns_of(args),
            merge=args.merge_labels,
            trained=card.columns if card else UNKNOWN,
            limits=_limits(card, training) if card else ModelLimits(),
            on_rows=_show_progress,
        )
    diagnostics.status("")
    if args.json:
        output.emit_json(inspection)
    else:
        show_samples(drawn_rows(inspection.train.path, task, inspection.train.mapping, SAMPLES))
        for text in report(inspection, output.width()):
            output.line(text)
        if card and training in card.verbs:
            _show_learnt_row(card, training, inspection)
    return ExitCode.OK if inspection.usable else ExitCode.DATA


def _show_learnt_row(card: Card, training: Verb, inspection: Inspection) -> None:
    """Show how the model would learn the first row, where there is more to be seen than the row itself."""
    task, part = get_task(inspection.task), inspection.train
    if not (task.target and task.target.learnt_in_part) or inspection.task not in card.tasks_of(training):
        return
    from zoo.runs.preview import ROWS, learnt_row

    blocks = learnt_row(card, training, inspection.task, first_examples(part.path, task, part.mapping, ROWS))
    for block in blocks:
        if block.title:
            output.line()
            output.line(block.title, "strong")
        output.line(*next(render([block])))


def _card(args: argparse.Namespace) -> Card:
    choice = choose_model(
        Catalog.load(), args.model, "finetune", args.task or "", args.data, columns_of(args), newest(args, "separator")
    )
    if choice.reason:
        diagnostics.note(choice.reason)
    return choice.card


def _show_progress(path: str, rows: int) -> None:
    if rows % _STATUS_EVERY == 0:
        diagnostics.status(f"{path}: {rows:,} looked at")


def _task(args: argparse.Namespace, card: Card | None, training: Verb) -> Task:
    """What was asked for, else what the model is fine-tuned or pretrained for, else what the data looks like."""
    if args.task:
        return get_task(args.task)
    if card is None:
        return likely_task(args.data, columns_of(args), newest(args, "separator"))
    if training not in card.verbs:
        return get_task(card.task)
    ability, reason = choose_ability(card, training, "", args.data, columns_of(args), newest(args, "separator"))
    if reason:
        diagnostics.note(reason)
    return get_task(ability.task)


def _limits(card: Card, training: Verb) -> ModelLimits:
    """What the model sees of an input."""
    limits, note = input_limits(card, training)
    if note:
        diagnostics.note(note)
    return limits
