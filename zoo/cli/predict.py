"""Let a model answer: inputs on the command line, lines on stdin, or a file."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shlex
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from zoo.api import load, start
from zoo.card import Card
from zoo.cli import diagnostics, output, warm
from zoo.cli.exit_codes import ExitCode
from zoo.cli.option_flags import add_options, given_options
from zoo.cli.parser import Parser
from zoo.cli.placing import add_columns, add_placement, named_model, tell_placement
from zoo.cli.render import render
from zoo.cli.warm import Answerer
from zoo.cli.watching import leave, tell_fetching, tell_result, watch
from zoo.data import stream
from zoo.data.example import Example, RejectedRow
from zoo.data.expansion import expand, named_files
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.prediction import Prediction, Rejected
from zoo.requesting import batch_prediction_request, find_ability
from zoo.task import Task, get_task

STDIN = "-"
CHUNK = 64
"""Inputs answered at once when they come as a stream."""


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included."""
    parser.add_argument("model", metavar="MODEL", help="a model or a finished run; zoo ls --local lists those here")
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="texts, or image files, folders and patterns, as the model takes them; none reads lines from stdin",
    )
    parser.add_argument(
        "--file",
        metavar="DATA",
        help="answer every row of a file, or every image of a folder; - reads lines from stdin",
    )
    parser.add_argument(
        "--out", metavar="FILE", help="with --file: write there (.jsonl or .csv), as a run that resumes"
    )
    add_columns(parser, label=False)
    parser.add_argument("--name", default="", help="with --out: name of the run")
    add_placement(parser)
    parser.add_argument("--detach", action="store_true", help="with --out: return at once; the run goes on")
    warm.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    if name := named_model(parser, words):
        card, ability = find_ability(name, "predict")
        add_options(parser, ability.options, title=f"options of {card.name}")
    parser.intermixed = True


def run(args: argparse.Namespace) -> ExitCode:
    """Answer here, or in a worker where a file goes to a file."""
    if args.inputs and args.file:
        raise OptionInvalid("inputs and --file were both given", "give one of them")
    if args.out and not args.file:
        raise OptionInvalid("--out goes with --file", "name the file whose rows shall be answered")
    if args.out:
        return _to_file(args)
    if args.file == STDIN:
        args.file = None  # lines of stdin are what is read without inputs
        if args.input_column:
            raise OptionInvalid("stdin is read line by line and has no columns", "save it as a file: --file FILE")
    if not args.inputs and not args.file and sys.stdin.isatty():
        diagnostics.note("reading one input a line; end with Ctrl-D")
    card, ability = find_ability(args.model, "predict")
    task = get_task(ability.task)
    if args.file:
        rows = stream(args.file, task, input_column=args.input_column)
        first = next(rows, None)  # what is wrong with the file is told before the model is loaded
        if first is None:
            raise DatasetInvalid(f"{args.file} has no rows", "give a file that has some")
        source: Iterable[Any] = itertools.chain([first], rows)
    else:
        source = expand(args.inputs, task.input) or _typed_lines()
        _warn_of_files(args, task)
    one_by_one = not args.inputs and not args.file and sys.stdin.isatty()
    with _answerer(args, card, task) as answer_all:
        for text, answer in _answers(answer_all, iter(source), chunk_size=1 if one_by_one else CHUNK):
            _show(text, answer, as_json=args.json)
    return ExitCode.OK


def _warn_of_files(args: argparse.Namespace, task: Task) -> None:
    """Say that the name of a file is answered, where its rows may have been meant."""
    for name in named_files(args.inputs, task.input)[:1]:
        taken = "is answered as a text, though it names a file" if task.input == "text" else "is no image"
        diagnostics.warn(f"{name!r} {taken}; for its rows: zoo predict {args.model} --file {shlex.quote(name)}")


def _show(text: str, answer: Prediction, *, as_json: bool) -> None:
    if as_json:
        output.raw(msgspec.json.encode({"input": text, "prediction": answer}).decode() + "\n")
    else:
        for line in render(text, answer):
            output.line(line)
    sys.stdout.flush()


@contextlib.contextmanager
def _answerer(args: argparse.Namespace, card: Card, task: Task) -> Iterator[Answerer]:
    """What answers: the process that keeps the model warm, if there is one or shall be; else the model itself."""
    with warm.answerer(args, card, task) as found:
        if found is not None:
            yield found
            return
    diagnostics.note(f"loading {args.model}")
    model = load(
        args.model, device=args.device, precision=args.precision, on_progress=tell_fetching, **given_options(args)
    )
    diagnostics.note(f"{model.card.name} on {model.device}, {model.precision}")
    yield model.predict


def _typed_lines() -> Iterator[str | RejectedRow]:
    """The lines of stdin, whatever the encoding of the terminal; one that is not UTF-8 is rejected in its place."""
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            yield RejectedRow("stdin", number, "not UTF-8")


def _answers(answer_all: Answerer, source: Iterator[Any], *, chunk_size: int) -> Iterator[tuple[str, Any]]:
    """Answer a stream, in order and in chunks."""
    while chunk := list(itertools.islice(source, chunk_size)):
        texts = [one.input if isinstance(one, Example) else one for one in chunk if not isinstance(one, RejectedRow)]
        answered = iter(answer_all(texts) if texts else [])
        for one in chunk:
            if isinstance(one, RejectedRow):
                yield f"row {one.row}", Rejected(one.reason)
            else:
                yield one.input if isinstance(one, Example) else one, next(answered)


def _to_file(args: argparse.Namespace) -> ExitCode:
    request = batch_prediction_request(
        args.model,
        args.file,
        args.out,
        input=args.input_column,
        name=args.name,
        device=args.device,
        precision=args.precision,
        **given_options(args),
    )
    tell_placement(request)
    started = start(request)
    if args.detach:
        return leave(started, as_json=args.json)
    diagnostics.note(f"run: {started.name}")
    code = watch(started, stop_on_interrupt=True)
    if code == ExitCode.OK and args.json:
        output.emit_json({"run": started.name, "rows": started.snapshot.rows_predicted, "out": request.out})
    elif code == ExitCode.OK:
        tell_result(started)
    return code
