"""Let a model answer: inputs on the command line, lines on stdin, or a file."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shlex
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from zoo.abilities import find_ability, fitting_models, offering_models, predict_options
from zoo.answers import Rejected, TruncationCount, shown_piece
from zoo.card import Card
from zoo.cli import diagnostics, output, warm
from zoo.cli.exit_codes import ExitCode
from zoo.cli.fetching import show_fetching
from zoo.cli.microphone import MICROPHONE, SECONDS, microphone_input
from zoo.cli.model_args import add_model_options, add_task, model_word
from zoo.cli.option_flags import add_help_all, add_number, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_now, add_place, add_placement
from zoo.cli.render import show_answer, show_drawing
from zoo.cli.source_args import add_columns, columns_of
from zoo.cli.warm import Answerer
from zoo.data import InputRows
from zoo.data.columns import replaced_columns
from zoo.data.example import Example, RejectedRow
from zoo.data.expansion import is_absent_table, is_of_table, named_files
from zoo.data.lines import Lines, LineTooLong, NotUtf8
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.file_cache import read_once
from zoo.jobs import SHARDS
from zoo.kinds import INPUT_KINDS, InputKind, Unusable
from zoo.plurals import counted
from zoo.runs.answer_files import AnswerColumns, AnswerFormat, AnswerRecord, JsonLines, named_format
from zoo.runs.row_answers import CarriedRow, answer, chunks
from zoo.tasks import get_task
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from zoo.blocks import DrawnBlock
    from zoo.rendering.drawings import DrawingFolder

STDIN = STDOUT = "-"
CHUNK = 64
"""Inputs answered at once when they come as a stream."""


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included."""
    add_help_all(parser)
    parser.examples = ('zoo predict mine "some text"', "zoo predict mine --file new.csv --out answers.csv")
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
        "--out",
        metavar="FILE",
        help="with --file: write there, by its ending as .csv, .tsv, .jsonl or .ndjson, in a run that resumes; - is "
        "stdout, as JSON lines",
    )
    parser.add_argument(
        "-f",
        "--format",
        default="",
        metavar="NAME",
        help="how answers are written: csv, tsv, jsonl, or what the task has beside, such as conll (default: by --out)",
    )
    parser.add_argument(
        "--keep",
        metavar="COLUMNS",
        action="append",
        default=[],
        help="with --out: carry these columns of the file along, such as id,customer; all carries every one",
    )
    add_columns(parser, label=False)
    add_number(parser, SHARDS)
    parser.add_argument(
        "--shard-of",
        metavar="I/N",
        default="",
        help="with --out: answer the I-th of N parts of the rows alone, for machines that each do some",
    )
    parser.add_argument(
        "--draw",
        metavar="FOLDER",
        default="",
        help="write the pictures with their boxes or masks there, under their own names; a new folder, or an empty one",
    )
    parser.add_argument(
        "--microphone",
        action="store_true",
        help="answer what is said now; Enter, Ctrl-C or --seconds ends the recording",
    )
    add_number(parser, SECONDS)
    parser.add_argument("--name", default="", help="with --out: name of the run")
    add_task(parser)
    add_placement(parser)
    add_place(parser)
    add_now(parser, "with --out: start beside the runs on the same GPU, not after them")
    add_detach(parser, "with --out: return at once; the run goes on")
    warm.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    if name := model_word(parser, words):
        add_model_options(parser, words, name, "predict")


def run(args: argparse.Namespace) -> ExitCode:
    """Answer here, or in a worker where a file goes to a file."""
    _check_flags(args)
    if args.out and args.out != STDOUT:
        from zoo.cli.predict_run import to_file

        return to_file(args)
    if args.file == STDIN:
        args.file = None  # lines of stdin are what is read without inputs
    card, ability = find_ability(args.model, "predict", args.task, args.catalog)
    predict_options(card, ability.task, options_of(args))
    task = get_task(ability.task)
    interactive = args.microphone or (not args.inputs and not args.file and sys.stdin.isatty())
    inputs = task.input.expand(args.inputs)
    drawings = _drawings(args, task, inputs)
    columns, source = (
        _file_rows(args, card, task) if args.file else (AnswerColumns(), _input_rows(args, card, task, inputs))
    )
    writer = _writer(args, task, columns)
    if writer:
        output.rows(writer.header().decode())
    answer_count = rejected_count = 0
    truncation = TruncationCount()
    with _answerer(args, card, task) as answerer:
        with_picture = interactive or len(inputs) == 1
        name = MICROPHONE if args.microphone else ""
        stream = partial(_streamed, answerer, task.input, with_picture, name)
        streaming = answerer.stream is not None and not (writer or args.file) and sys.stdout.isatty()
        if interactive and streaming and answerer.chats:
            return _converse(answerer)
        for chunk in chunks(source, 1 if interactive or streaming else CHUNK):
            for record in answer(stream if streaming else answerer.predict, chunk):
                truncation.add([record.answer])
                rejected_count += isinstance(record.answer, Rejected)
                answer_count += not isinstance(record.answer, Rejected)
                if not streaming or isinstance(record.answer, Rejected):
                    _show(record, task.input, writer, with_picture, name)
                if drawings is not None:
                    drawings.draw(str(record.input), record.answer)
    if not answer_count and (args.microphone or not interactive):
        raise _no_answers_error(args, rejected_count)
    for message in (truncation.message, drawings.warning if drawings else ""):
        if message:
            diagnostics.warn(message)
    if drawings:
        diagnostics.note(f"{counted(drawings.drawn, 'picture')} drawn into {drawings.folder}")
    return ExitCode.OK


def _converse(answerer: Answerer) -> ExitCode:
    from zoo.cli.chat import converse

    assert answerer.stream is not None
    converse(answerer.stream)
    return ExitCode.OK


def _check_flags(args: argparse.Namespace) -> None:
    """Refuse flags that mean nothing without another."""
    given = [name for name, value in (("inputs", args.inputs), ("--file", args.file)) if value]
    given += ["--microphone"] if args.microphone else []
    if len(given) > 1:
        raise OptionInvalid(f"{given[0]} and {given[1]} were both given", "give one of them")
    if args.seconds is not None and not args.microphone:
        raise OptionInvalid("--seconds goes with --microphone", "it is how long is recorded")
    if args.out and not args.file:
        raise OptionInvalid("--out goes with --file", "name the file whose rows shall be answered")
    if args.json and args.format not in ("", "jsonl", "ndjson") and args.out in (None, STDOUT):
        raise OptionInvalid(f"--json and --format {args.format} were both given", "leave one of them out")
    if args.keep and not (args.file and (args.out or args.json or args.format)):
        raise OptionInvalid("--keep goes with --file and --out", f"--out {STDOUT} writes JSON lines to stdout")
    if args.file == STDIN and (columns_of(args) or args.keep):
        raise OptionInvalid("stdin is read line by line and has no columns", "save it as a file: --file FILE")
    of_runs = {
        "name": args.name,
        "detach": args.detach,
        "now": args.now,
        "on": args.on,
        "requeue": args.requeue,
        "shards": args.shards > 1,
        "shard-of": args.shard_of,
    }
    if args.file == STDIN and (of_runs["shards"] or args.shard_of):
        raise OptionInvalid("stdin is read once, and cannot be divided into shards", "save it as a file: --file FILE")
    for flag, value in of_runs.items():
        if value and args.out in (None, STDOUT):
            raise OptionInvalid(f"--{flag} goes with --out FILE", "name the file that the answers shall go to")


def _no_answers_error(args: argparse.Namespace, rejected: int) -> DatasetInvalid:
    if not rejected:
        return DatasetInvalid("no input came on stdin", "one input a line, or --file FILE")
    inputs = "the only input" if rejected == 1 else f"all {rejected:,} inputs"
    return DatasetInvalid(f"{inputs} had to be rejected", f"zoo show {args.model} says what the model takes")


def _warn_of_files(args: argparse.Namespace, task: Task) -> None:
    """Say that the name of a file is answered, where its rows may have been meant."""
    kind = task.input
    if STDIN in args.inputs and not kind.from_files:
        diagnostics.warn(f"{STDIN!r} is answered as a text; --file {STDIN} reads lines from stdin")
    absent = [word for word in args.inputs if not kind.from_files and is_absent_table(word)]
    for name in absent[:1]:
        diagnostics.warn(f"{name!r} is answered as {kind.singular}; there is no file of that name")
    for name in named_files(args.inputs, kind)[:1]:
        treatment = f"is no {kind}" if kind.from_files else f"is answered as {kind.singular}, though it names"
        if other := next((other for other in INPUT_KINDS if other.is_named_by(Path(name))), None):
            diagnostics.warn(f"{name!r} {treatment} {other.singular}; {fitting_models(other.name, 'predict')}")
            continue
        treatment += "" if kind.from_files else " a file"
        diagnostics.warn(f"{name!r} {treatment}; for its rows: zoo predict {args.model} --file {shlex.quote(name)}")


def _drawings(args: argparse.Namespace, task: Task, inputs: list[Any]) -> DrawingFolder | None:
    """Where answers are drawn, if anywhere."""
    if not args.draw:
        return None
    from zoo.rendering.drawings import DrawingFolder, common_folder, new_drawing_folder

    folder = new_drawing_folder(args.draw, task)
    return DrawingFolder(folder, Path(args.file) if args.file else common_folder(inputs))


def _writer(args: argparse.Namespace, task: Task, columns: AnswerColumns) -> AnswerFormat | None:
    """What writes answers to stdout for another program; None where a person reads them."""
    if not (args.json or args.out or args.format):
        return None
    return named_format(args.format or "jsonl", task.answer.file_formats)(columns)


def _show(record: AnswerRecord, kind: InputKind, writer: AnswerFormat | None, with_picture: bool, name: str) -> None:
    """Show one answer beside its input, or beside the name of what is no input that a person has given."""
    if writer:
        text = writer.encode(msgspec.structs.replace(record, input=name) if name else record).decode()
        output.raw(text) if isinstance(writer, JsonLines) else output.rows(text)
    else:
        source = name or (kind.display_text(record.input) if record.input else f"row {record.row}")
        is_drawn = with_picture and not isinstance(record.answer, Rejected)
        drawing = _drawing_of(record.input, kind) if is_drawn else None
        show_answer(source, record.answer, with_picture=with_picture, drawing=drawing)
    output.flush()


def _drawing_of(value: Any, kind: InputKind) -> DrawnBlock | None:
    """What is drawn above an answer."""
    return kind.drawing_of(value) if kind.is_always_drawn else None


def _streamed(answerer: Answerer, kind: InputKind, with_picture: bool, name: str, inputs: list[Any]) -> list[Any]:
    """Answer one input, and show its answer while it comes; whoever stops that keeps what was said."""
    assert answerer.stream is not None
    (value,) = inputs
    source = name or kind.display_text(value)
    begun, drawing = False, _drawing_of(value, kind) if with_picture else None
    with contextlib.closing(answerer.stream(value)) as items:
        try:
            for item in items:
                if not isinstance(item, str):
                    if not begun and not isinstance(item, Rejected):
                        show_answer(source, item, drawing=drawing)
                    elif begun and item.remark:
                        diagnostics.note(item.remark)
                    return [item]
                if not begun:
                    output.line(source, "strong")
                    if drawing is not None:
                        show_drawing(drawing)
                output.piece(shown_piece(item, first=not begun), first=not begun)
                begun = True
        finally:
            if begun:
                output.line()
    raise AssertionError("a stream ends with its answer")


@contextlib.contextmanager
def _answerer(args: argparse.Namespace, card: Card, task: Task) -> Iterator[Answerer]:
    """What answers: the process that keeps the model warm, if there is one or shall be; else the model itself."""
    with warm.answerer(args, card, task) as warm_answerer:
        if warm_answerer is not None:
            yield warm_answerer
            return
    from zoo.api.model import plan_load

    plan = plan_load(card, args.device, args.precision, options_of(args), task=task.name)
    diagnostics.note(f"loading {args.model}")
    diagnostics.show_log_warnings()
    model = plan.load(show_fetching)
    diagnostics.note(f"{model.card.name} on {model.device}, {model.precision}")
    predictor = model.predictor
    yield Answerer(model.predict, predictor.stream if predictor.streams else None, predictor.chats)


@read_once()
def _file_rows(args: argparse.Namespace, card: Card, task: Task) -> tuple[AnswerColumns, Iterator[CarriedRow]]:
    """The rows of the file, and the columns of what is answered; what is wrong with it shows before the model loads."""
    trained = card.columns
    with offering_models(card, "predict"):
        rows = InputRows(args.file, task, columns=columns_of(args), keep=args.keep, trained=trained)
    columns = AnswerColumns(rows.carried, tuple(rows.columns.values()), rows.words_apart)
    replaced = replaced_columns(args.file, trained, rows.columns, columns_of(args))
    for message in (*replaced, *columns.notes()):
        diagnostics.note(message)
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        raise DatasetInvalid(f"{args.file} has no rows", "give a file that has some")
    return columns, itertools.chain([first], iterator)


def _input_rows(args: argparse.Namespace, card: Card, task: Task, words: list[Any]) -> Iterator[CarriedRow]:
    """The inputs on the command line, else what is said, else the lines of stdin."""
    spoken = microphone_input(card, task.input, args.seconds) if args.microphone else None
    inputs: Iterable[Any] = words or spoken or _stdin_inputs(args.model, card, task)
    _warn_of_files(args, task)
    return (
        (item if isinstance(item, RejectedRow) else Example(item, row=number), ())
        for number, item in enumerate(inputs, start=1)
    )


def _stdin_inputs(model: str, card: Card, task: Task) -> Iterator[Any]:
    """The inputs that the lines of stdin are; a line that is none, or is not UTF-8, is rejected in its place."""
    kind, lines = task.input, Lines(cast("BufferedReader", sys.stdin.buffer))
    if sys.stdin.isatty():
        diagnostics.note("reading one input a line; end with Ctrl-D")
    for number in itertools.count(1):
        try:
            line = next(lines).rstrip("\r\n")
            if number == 1:
                _warn_of_table(line, model, card, task)
            yield kind.typed(line)
        except StopIteration:
            return
        except Unusable as unusable:
            yield RejectedRow("stdin", number, str(unusable))
        except NotUtf8:
            yield RejectedRow("stdin", number, "not UTF-8")
        except LineTooLong as error:
            raise DatasetInvalid(f"a line of stdin is too long: no line end after byte {error.offset}") from None


def _warn_of_table(first_line: str, model: str, card: Card, task: Task) -> None:
    """Say that each line of stdin is answered as a whole, where it begins as a table does."""
    columns = {
        name.lower() for role in task.input.roles for name in (card.columns.get(role, ""), *task.usual_columns(role))
    }
    if len(task.input.roles) == 1 and is_of_table(first_line, columns - {""}):
        diagnostics.warn(
            "stdin looks like a table, and each of its lines is answered as a whole; for its rows, save it as a file: "
            f"zoo predict {model} --file FILE"
        )
