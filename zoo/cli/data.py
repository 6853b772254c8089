"""Look at a data set before training on it: `zoo data inspect FILE`."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.card import Card, TextInput
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.placing import add_columns
from zoo.data import Inspection, inspect
from zoo.data.report import LabelCount, Lengths, Part
from zoo.task import Task, get_task

DEFAULT_TASK = "text-classification"
_LABELS_SHOWN = 30
_BAR_WIDTH = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("verb", choices=("inspect",), help="count rows, labels, lengths; find what spoils a training")
    parser.add_argument("file", metavar="FILE", help="CSV, TSV, JSON lines, Parquet or text")
    parser.add_argument("--eval", metavar="FILE", help="evaluation data, compared with FILE")
    parser.add_argument("--model", metavar="MODEL", help="count lengths in tokens of this model")
    parser.add_argument("--task", help=f"what the data is for (default: that of --model, else {DEFAULT_TASK})")
    add_columns(parser, label=True)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Inspect and report; data that cannot be used ends with the exit code of data errors."""
    card = _card(args.model) if args.model else None
    found = inspect(
        args.file,
        _task(args.task, card),
        eval_path=args.eval,
        input_column=args.text,
        label_column=args.label,
        tokenizer=_tokenizer(card) if card else None,
        max_tokens=card.input.max_tokens if card and isinstance(card.input, TextInput) else None,
    )
    if args.json:
        output.emit_json(found)
    else:
        _report(found)
    return ExitCode.OK if found.usable else ExitCode.DATA


def _card(name: str) -> Card:
    from zoo.catalog import Catalog

    return Catalog.load().resolve(name)


def _task(asked: str | None, card: Card | None) -> Task:
    """What was asked for, else what the model is fine-tuned or pretrained for, else classification."""
    if asked or card is None:
        return get_task(asked or DEFAULT_TASK)
    ability = card.abilities.get("finetune") or card.abilities.get("pretrain")
    return get_task(ability.task if ability else card.task)


def _tokenizer(card: Card) -> Path | None:
    """The model's tokenizer, if it is on this machine."""
    if card.weights is None:
        diagnostics.note(f"{card.name} comes without weights or tokenizer: lengths are in words")
        return None
    from zoo.fetch import locate

    folder = locate(card.weights)
    if folder is None:
        diagnostics.note(
            f"the tokenizer of {card.name} is not on this machine: lengths are in words "
            f"(zoo pull {card.name} fetches it)"
        )
        return None
    path: Path = folder / "tokenizer.json"
    if not path.is_file():
        diagnostics.note(f"the weights of {card.name} hold no tokenizer.json: lengths are in words")
        return None
    return path


def _report(found: Inspection) -> None:
    for part in (found.train, found.eval):
        if part:
            _report_part(part)
    if found.eval:
        output.line(f"rows in both files: {found.overlap.rows:,}")
        output.line()
    if found.labels:
        _report_labels(found.labels, with_eval=found.eval is not None)
        output.line()
    for finding in found.findings:
        output.line(f"{'note' if finding.level == 'info' else finding.level}: {finding.message}")
    if not found.findings:
        output.line("nothing stands in the way of using this data")


def _report_part(part: Part) -> None:
    mapping = f"input from {part.mapping.input!r}"
    mapping += f", label from {part.mapping.label!r}" if part.mapping.label else ", no label"
    counts = (
        (part.empty_rows, "empty"),
        (part.unlabelled_rows, "without label"),
        (part.rejected_rows, "unusable in all"),
        (part.duplicates.rows, "repeating another"),
    )
    output.line(part.path)
    output.line(f"  columns  {', '.join(part.columns)} ({mapping})")
    found = "".join(f", {count:,} {what}" for count, what in counts if count)
    output.line(f"  rows     {part.rows:,}{found}")
    if part.lengths:
        output.line(f"  lengths  {_lengths(part.lengths)}")
    output.line()


def _lengths(lengths: Lengths) -> str:
    text = (
        f"half up to {lengths.p50:,} {lengths.unit}, 90% up to {lengths.p90:,}, 99% up to {lengths.p99:,}, "
        f"longest {lengths.max:,}"
    )
    if lengths.truncated_share is None:
        return text
    return f"{text}; {lengths.truncated_share:.1%} would be cut at {lengths.max_tokens:,}"


def _report_labels(labels: tuple[LabelCount, ...], *, with_eval: bool) -> None:
    most = max(label.rows for label in labels) or 1
    rows = []
    for label in labels[:_LABELS_SHOWN]:
        bar = "█" * max(round(label.rows / most * _BAR_WIDTH), label.rows > 0)
        rows.append([label.label, f"{label.rows:,}", *([f"{label.eval_rows:,}"] if with_eval else []), bar])
    output.table(rows, ("label", "rows", *(("eval rows",) if with_eval else ()), ""))
    if len(labels) > _LABELS_SHOWN:
        output.line(f"and {len(labels) - _LABELS_SHOWN:,} labels more (--json lists all)")
