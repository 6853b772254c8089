"""Flags that several commands share."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics
from zoo.cli.option_flags import flags_by_alias
from zoo.cli.parser import Parser
from zoo.cli.spelling import MODEL_FLAGS, respelled
from zoo.errors import OptionInvalid
from zoo.options import Options, schema
from zoo.runs.request import RunRequest
from zoo.suggestions import did_you_mean


def add_placement(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--precision`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps or xpu (default: auto)")
    parser.add_argument(
        "--precision",
        default="auto",
        help="auto, fp32, bf16, fp16 or, for predictions of some models, int8 (default: auto)",
    )


def add_columns(parser: argparse.ArgumentParser, *, label: bool) -> None:
    """`--input` and `--label`."""
    parser.add_argument(
        "--input",
        "--text",
        "--image",
        dest="input_column",
        default="",
        metavar="COLUMN",
        help="column of the inputs (default: by its usual names)",
    )
    if label:
        parser.add_argument(
            "--label", default="", metavar="COLUMN", help="column of the labels (default: by its usual names)"
        )


def add_merge_labels(parser: argparse.ArgumentParser) -> None:
    """`--merge-labels`."""
    parser.add_argument(
        "--merge-labels",
        action="store_true",
        help="labels that differ only in case, blanks, invisible characters or Unicode form are one class",
    )


def named_model(parser: Parser, words: list[str], common: type[Options] = Options) -> str:
    """The word that names the model: the first that is neither a flag nor the value of one; empty where there is none.

    Args:
        parser: knows the flags of the command.
        words: as typed.
        common: options that may stand before the model, though the parser does not know them yet.

    Raises:
        OptionInvalid: an option that only the model could know stands before it.
    """
    takes_value = {flag: action.nargs != 0 for action in parser._actions for flag in action.option_strings}
    for one in schema(common):
        takes_value |= {one.flag: one.kind != "bool", "--no-" + one.flag.removeprefix("--"): False}
    aliases = flags_by_alias(common)
    rest = iter(words)
    for word in rest:
        if word == "--":
            return next(rest, "")
        if not word.startswith("-"):
            return word
        flag, equals, _ = respelled(word, takes_value, aliases).partition("=")
        if flag not in takes_value:
            hint = parser.hint_for_flag(flag) if flag in MODEL_FLAGS else ""
            hint = hint or f"name the model first: {parser.prog} MODEL {flag}"
            raise OptionInvalid(f"{flag} stands before the model", did_you_mean(flag, [*takes_value, *aliases], hint))
        if takes_value[flag] and not equals:
            next(rest, None)
    return ""


def tell_placement(request: RunRequest) -> None:
    """Say where a run will compute, and why there."""
    diagnostics.note(f"device: {request.device}, {request.precision} ({request.device_reason})")
