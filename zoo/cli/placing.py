"""Flags that several commands share."""

from __future__ import annotations

import argparse

from zoo.abilities import choose_ability
from zoo.card import Ability, Card, Verb
from zoo.catalog import Catalog
from zoo.cli import diagnostics
from zoo.cli.option_flags import flags_by_alias
from zoo.cli.parser import Parser
from zoo.cli.spelling import MODEL_FLAGS, respelled
from zoo.errors import OptionInvalid
from zoo.kinds.kind import INPUT, TARGET
from zoo.options import Options, schema
from zoo.requests import Place, Source
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


def add_task(parser: Parser) -> None:
    """`--task`."""
    task = parser.add_argument("--task", default="", help="what the model shall do, where it knows several tasks")
    parser.advanced.append(task)
    parser.set_defaults(catalog=None)


def add_columns(parser: Parser, *, label: bool) -> None:
    """`--input`, `--label` and `--column`."""
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
            "--label",
            "--target",
            default="",
            metavar="COLUMN",
            help="column of the labels (default: by its usual names)",
        )
    column = parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="ROLE=COLUMN",
        help="column of what a task calls ROLE; zoo tasks TASK lists its roles",
    )
    parser.advanced.append(column)


def columns_of(args: argparse.Namespace) -> dict[str, str]:
    """Names of columns by role, as the flags say.

    Raises:
        OptionInvalid: a `--column` names no role, or no column.
    """
    columns = {INPUT: args.input_column, TARGET: getattr(args, "label", "")}
    for text in args.column:
        role, _, name = text.partition("=")
        if not role or not name:
            raise OptionInvalid(f"--column {text} does not say which role", "such as --column first=question")
        columns[{"target": TARGET}.get(role, role)] = name
    return {role: name for role, name in columns.items() if name}


def add_reading_labels(parser: Parser) -> None:
    """`--merge-labels` and `--separator`."""
    parser.add_argument(
        "--merge-labels",
        action="store_true",
        help="labels that differ only in case, blanks, invisible characters or Unicode form are one class",
    )
    separator = parser.add_argument(
        "--separator",
        default="",
        metavar="MARK",
        help="what stands between the labels of a row that has several (default: | or ;)",
    )
    parser.advanced.append(separator)


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


def named_ability(parser: argparse.ArgumentParser, words: list[str], model: str, verb: Verb) -> tuple[Card, Ability]:
    """The card of the named model and its ability; the catalog goes along with the parsed arguments as `catalog`.

    Args:
        parser: of the command; `add_task` was called on it.
        words: as typed.
        model: the word that names it.
        verb: what it shall do.

    Raises:
        UnknownModel: there is none of that name.
        Unsupported: it does not support the verb, or not for the task that `--task` names.
    """
    catalog = Catalog.load()
    parser.set_defaults(catalog=catalog)
    card = catalog.resolve(model)
    named = {TARGET: _value_of("--label", words) or _value_of("--target", words)}
    return card, choose_ability(card, verb, _value_of("--task", words), _value_of("--data", words), named).ability


def _value_of(flag: str, words: list[str]) -> str:
    """What stands behind a flag; empty where it is not there."""
    before = words[: words.index("--")] if "--" in words else words
    for word, following in zip(before, [*before[1:], ""], strict=True):
        if word == flag:
            return following
        if word.startswith(f"{flag}="):
            return word.removeprefix(f"{flag}=")
    return ""


def source_of(args: argparse.Namespace, data: str, eval_data: str | None = None) -> Source:
    """The data of a job, as the flags say."""
    return Source(
        data=data,
        eval_data=eval_data,
        columns=columns_of(args),
        separator=getattr(args, "separator", ""),
        merge_labels=getattr(args, "merge_labels", False),
    )


def place_of(args: argparse.Namespace) -> Place:
    """Where a job computes, as the flags say."""
    return Place(device=args.device, precision=args.precision, processes=getattr(args, "processes", 1))


def tell_placement(request: RunRequest) -> None:
    """Say where a run will compute, and why there."""
    diagnostics.note(f"device: {request.device}, {request.precision} ({request.device_reason})")
