"""The data of a job: its columns, and how its labels are read."""

from __future__ import annotations

import argparse

from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid
from zoo.kinds.kind import INPUT, TARGET

_TARGETS = ("target", "tag")
"""What else a person may call the column of what is learnt."""


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
        OptionInvalid: a `--column` names no role, no column, or a role that another one names.
    """
    columns = {INPUT: args.input_column, TARGET: getattr(args, "label", "")}
    for text in args.column:
        role, _, name = text.partition("=")
        if not role or not name:
            raise OptionInvalid(f"--column {text} does not say which role", "such as --column first=question")
        role = role_of(role)
        if columns.get(role):
            raise OptionInvalid(f"--column {text} names {role} again, after {columns[role]}", "name one column for it")
        columns[role] = name
    return {role: name for role, name in columns.items() if name}


def role_of(word: str) -> str:
    """The role that a person means."""
    return TARGET if word in _TARGETS else word


def add_reading_labels(parser: Parser) -> None:
    """`--merge-labels`, `--separator` and `--classes`."""
    parser.add_argument(
        "--merge-labels",
        action="store_true",
        help="labels that differ only in case, blanks, invisible characters or Unicode form are one class",
    )
    separator = parser.add_argument(
        "--separator",
        action="append",
        default=[],
        metavar="MARK",
        help="what stands between the labels of a row that has several (default: | or ;)",
    )
    classes = parser.add_argument(
        "--classes",
        action="append",
        default=[],
        metavar="FILE",
        help="which class each value of a mask is: JSON, or a palette (default: classes.json beside the masks)",
    )
    parser.advanced += [separator, classes]


def newest(args: argparse.Namespace, flag: str) -> str:
    """What a flag said the last time; empty where it was not said, or the command has none of that name."""
    return next(reversed(getattr(args, flag, [])), "")
