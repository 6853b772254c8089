"""Look at a data set before training on it: `zoo data inspect DATA`."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.card import Card, ImageInput, TextInput
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.placing import add_columns
from zoo.data import Inspection, inspect, likely_task
from zoo.data.report import ImageFacts, Lengths, Part, Size
from zoo.task import Task, get_task

_LABELS_SHOWN = 30
_BAR_WIDTH = 24
_STATUS_EVERY = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("verb", choices=("inspect",), help="count, measure, find what spoils a training")
    parser.add_argument("data", metavar="DATA", help="CSV, TSV, JSON lines, Parquet, text, or a folder of images")
    parser.add_argument("--eval", metavar="DATA", help="evaluation data, compared with DATA")
    parser.add_argument("--model", metavar="MODEL", help="measure against what this model takes")
    parser.add_argument("--task", help="what the data is for (default: that of --model, else as the data looks)")
    add_columns(parser, label=True)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Inspect and report; data that cannot be used ends with the exit code of data errors."""
    card = _card(args.model) if args.model else None
    found = inspect(
        args.data,
        _task(args, card),
        eval_path=args.eval,
        input_column=args.input_column,
        label_column=args.label,
        tokenizer=_tokenizer(card) if card and isinstance(card.input, TextInput) else None,
        max_tokens=card.input.max_tokens if card and isinstance(card.input, TextInput) else None,
        shorter_side=min(card.input.input_size[1:]) if card and isinstance(card.input, ImageInput) else 0,
        on_rows=_show_progress,
    )
    diagnostics.status("")
    if args.json:
        output.emit_json(found)
    else:
        _report(found)
    return ExitCode.OK if found.usable else ExitCode.DATA


def _card(name: str) -> Card:
    from zoo.catalog import Catalog

    return Catalog.load().resolve(name)


def _show_progress(path: str, rows: int) -> None:
    if rows % _STATUS_EVERY == 0:
        diagnostics.status(f"{path}: {rows:,} looked at")


def _task(args: argparse.Namespace, card: Card | None) -> Task:
    """What was asked for, else what the model is fine-tuned or pretrained for, else what the data looks like."""
    if args.task:
        return get_task(args.task)
    if card is None:
        return likely_task(args.data, args.input_column)
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
        output.line(f"{found.eval.unit}s in both: {found.overlap.rows:,}")
        output.line()
    if found.labels:
        _report_labels(found)
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
    if part.unit == "row":
        output.line(f"  columns  {', '.join(part.columns)} ({mapping})")
    found = "".join(f", {count:,} {what}" for count, what in counts if count)
    output.line(f"  {part.unit + 's':<8} {part.rows:,}{found}")
    if part.lengths:
        output.line(f"  lengths  {_lengths(part.lengths)}")
    if part.images:
        output.line(f"  sizes    {_sizes(part.images)}")
        output.line(f"  formats  {_counts(part.images.formats)}; modes {_counts(part.images.modes)}")
    output.line()


def _lengths(lengths: Lengths) -> str:
    text = (
        f"half up to {lengths.p50:,} {lengths.unit}, 90% up to {lengths.p90:,}, 99% up to {lengths.p99:,}, "
        f"longest {lengths.max:,}"
    )
    if lengths.truncated_share is None:
        return text
    return f"{text}; {lengths.truncated_share:.1%} would be cut at {lengths.max_tokens:,}"


def _sizes(images: ImageFacts) -> str:
    if images.sizes == 1:
        return f"all {_size(images.median)}"
    return (
        f"smallest {_size(images.smallest)}, half up to {_size(images.median)}, largest {_size(images.largest)}; "
        f"{images.sizes:,} different ones"
    )


def _size(size: Size) -> str:
    return f"{size.width:,} x {size.height:,}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _report_labels(found: Inspection) -> None:
    labels, unit, with_eval = found.labels, found.train.unit, found.eval is not None
    most = max(label.rows for label in labels) or 1
    rows = []
    for label in labels[:_LABELS_SHOWN]:
        bar = "█" * max(round(label.rows / most * _BAR_WIDTH), label.rows > 0)
        rows.append([label.label, f"{label.rows:,}", *([f"{label.eval_rows:,}"] if with_eval else []), bar])
    output.table(rows, ("label", f"{unit}s", *((f"eval {unit}s",) if with_eval else ()), ""))
    if len(labels) > _LABELS_SHOWN:
        output.line(f"and {len(labels) - _LABELS_SHOWN:,} labels more (--json lists all)")
