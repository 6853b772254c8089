"""Write what a run has learnt as a folder that other libraries load, or that answers without zoo; or pack the run."""

from __future__ import annotations

import argparse
import json
from typing import Any

from zoo.api import bundle, export
from zoo.api.result_folder import FORMATS
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser
from zoo.cli.source_args import add_columns, columns_of
from zoo.errors import OptionInvalid
from zoo.plurals import counted
from zoo.runs.agreement import Agreement
from zoo.units import size


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags; a folder is named unless the run is packed."""
    packed = any(word.partition("=")[0] == "--bundle" for word in words)
    parser.examples = (
        "zoo export mine mine-as-files",
        "zoo export mine mine-onnx --format onnx --data test.csv",
        "zoo export joint --head sentiment sentiment-as-files",
        "zoo export mine --bundle mine.zip",
    )
    parser.add_argument("result", metavar="RESULT", help="a finished run, or one of its heads")
    parser.add_argument("folder", metavar="DIR", nargs="?" if packed else None, help="a new folder")
    parser.add_argument(
        "--bundle",
        metavar="FILE.zip",
        help="in its place: the run, without weights, in one file that zoo replay FILE.zip does again on any machine",
    )
    parser.add_argument("--without-data", action="store_true", help="of --bundle: leave the data out")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="safetensors",
        help="; ".join(f"{name}: {words}" for name, words in FORMATS.items()),
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="of onnx and torch: inputs whose answers must be those of zoo, a file or a folder, 64 of them at most "
        "(default: those that the model keeps, or learnt from)",
    )
    add_columns(parser, label=False)
    parser.add_argument("--head", default="", metavar="NAME", help="of a run with several heads, the one to write")
    parser.add_argument("--task", default="", help="of a run with several heads, the one that does this")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Write it; prints where it is, and how its answers compare."""
    if args.bundle is not None:
        return _bundle(args)
    if args.without_data:
        raise OptionInvalid("--without-data goes with --bundle", f"zoo export {args.result} --bundle FILE.zip")
    folder = export(
        args.result,
        args.folder,
        format=args.format,
        data=args.data,
        columns=columns_of(args),
        head=args.head,
        task=args.task,
    )
    facts = folder / "model.json"
    compared: dict[str, Any] = json.loads(facts.read_bytes())["compared"] if args.format != "safetensors" else {}
    if args.json:
        files = sorted(path.name for path in folder.iterdir())
        output.emit_json({"folder": str(folder), "files": files} | ({"compared": compared} if compared else {}))
        return ExitCode.OK
    output.line(str(folder))
    if compared:
        figures = (compared[name] for name in ("answers", "changed", "largest_difference", "answers_without_numbers"))
        diagnostics.note(str(Agreement(*figures)))
    diagnostics.note("README.md in it says how it is loaded without zoo")
    return ExitCode.OK


def _bundle(args: argparse.Namespace) -> ExitCode:
    """Pack the run; prints where the file is."""
    if args.folder or args.data or args.head or args.task or args.format != "safetensors" or columns_of(args):
        raise OptionInvalid(
            "--bundle packs a whole run, and takes nothing but --without-data",
            f"zoo export {args.result} --bundle FILE.zip",
        )
    packed = bundle(args.result, args.bundle, with_data=not args.without_data)
    if args.json:
        output.emit_json({"bundle": str(packed.path), "size_bytes": packed.size_bytes, "data_files": packed.data_files})
        return ExitCode.OK
    output.line(str(packed.path))
    data = f"without data ({packed.without_data})" if packed.without_data else counted(packed.data_files, "data file")
    diagnostics.note(f"{size(packed.size_bytes)}, {data}; on another machine: zoo replay {packed.path.name}")
    return ExitCode.OK
