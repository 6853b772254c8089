"""Several sources on the command line: `--source NAME=DATA[@TASK]`, and what is said of each by its name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator

from zoo.cli.option_flags import add_options
from zoo.cli.parser import Parser
from zoo.cli.source_args import role_of
from zoo.errors import OptionInvalid
from zoo.hyperparameters import TeachingOptions
from zoo.options import read
from zoo.sources import SOURCE_WEIGHT, Source
from zoo.tasks import task_names

NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*=.")
"""How a text begins that is said of one source; a path that looks so is written with ./ before it."""


def add_teacher(parser: Parser) -> None:
    """`--teacher`, and how much its answers count."""
    parser.add_argument(
        "--teacher",
        action="append",
        default=[],
        metavar="MODEL",
        help="learn its answers, too; alone without targets",
    )
    add_options(parser, TeachingOptions, title="options of learning from a teacher")


def add_sources(parser: Parser) -> None:
    """`--source`, and what is said of one by its name."""
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME=DATA[@TASK]",
        help="several times, not --data: learn from all on one body",
    )
    weight = parser.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="NAME=X",
        help="of the loss of a source in their sum (default: 1)",
    )
    merged = parser.add_argument(
        "--merge-labels-of",
        action="append",
        default=[],
        metavar="NAME",
        help="of one source, what --merge-labels is for all",
    )
    parser.advanced += [weight, merged]


def sources_of(args: argparse.Namespace) -> tuple[Source, ...]:
    """The sources that the flags name.

    Raises:
        OptionInvalid: a flag does not say which source, names none of them, or belongs to a run with one source.
    """
    sources = [source_named(text) for text in args.source]
    names = [source.name for source in sources]
    for flag, value in (("--data", args.data), ("--input", args.input_column), ("--label", getattr(args, "label", ""))):
        if value:
            raise OptionInvalid(f"{flag} {value} does not say for which source", _ADVICE[flag])
    if args.task:
        raise OptionInvalid(f"--task {args.task} does not say for which source", "--source NAME=DATA@TASK does")
    evals = _by_name("--eval", args.eval, names)
    weights = _by_name("--weight", args.weight, names)
    teachers = _by_name("--teacher", args.teacher, names)
    separators = by_name_or_for_all("--separator", args.separator, names)
    classes = by_name_or_for_all("--classes", args.classes, names)
    merged = [*_known("--merge-labels-of", args.merge_labels_of, names), *(names if args.merge_labels else ())]
    columns: dict[str, dict[str, str]] = {name: {} for name in names}
    for text in args.column:
        place, _, column = text.partition("=")
        name, _, role = place.partition(".")
        if name not in columns or not role or not column:
            raise OptionInvalid(
                f"--column {text} does not say for which source", f"such as --column {names[0]}.label=column"
            )
        columns[name][role_of(role)] = column
    return tuple(
        Source(
            name=source.name,
            data=source.data,
            task=source.task,
            eval_data=evals.get(source.name),
            columns=columns[source.name],
            separator=separators.get(source.name, ""),
            merge_labels=source.name in merged,
            classes=classes.get(source.name, ""),
            weight=float(str(read(SOURCE_WEIGHT, weights.get(source.name, 1.0)))),
            teacher=teachers.get(source.name, ""),
        )
        for source in sources
    )


_ADVICE = {
    "--data": "name it: --source NAME=DATA",
    "--input": "name it: --column NAME.input=COLUMN",
    "--label": "name it: --column NAME.label=COLUMN",
}


def source_named(text: str) -> Source:
    """What one `--source` says.

    Raises:
        OptionInvalid: it has no name, or no data.
    """
    name, equals, data = text.partition("=")
    if not equals or not name or not data:
        raise OptionInvalid(f"--source {text} is not NAME=DATA", "such as --source sentiment=reviews.csv")
    path, at, task = data.rpartition("@")
    if at and task in task_names():
        return Source(name=name, data=path, task=task)
    return Source(name=name, data=data)


def _by_name(flag: str, texts: Iterable[str], names: list[str]) -> dict[str, str]:
    """What is said of each source by its name."""
    values: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in names or not value:
            raise OptionInvalid(
                f"{flag} {text} does not say for which source",
                "begin with one of " + ", ".join(f"{known}=" for known in names),
            )
        values[name] = value
    return values


def by_name_or_for_all(flag: str, texts: Iterable[str], names: list[str]) -> dict[str, str]:
    """What is said of each source, by its name or of all at once; what is said of one goes before.

    Args:
        flag: that says it.
        texts: as typed.
        names: of the sources.

    Raises:
        OptionInvalid: there is no source of that name.
    """
    texts = list(texts)
    named = [text for text in texts if NAMED.match(text)]
    for_all = next((text for text in reversed(texts) if text not in named), "")
    return {**(dict.fromkeys(names, for_all) if for_all else {}), **_by_name(flag, named, names)}


def _known(flag: str, texts: Iterable[str], names: list[str]) -> Iterator[str]:
    """Names of sources that a flag takes."""
    for name in texts:
        if name not in names:
            raise OptionInvalid(f"{flag} {name} names no source", f"it takes {', '.join(names)}")
        yield name
