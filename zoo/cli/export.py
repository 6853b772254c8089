"""Write what a run has learnt as a folder that transformers or torchvision loads."""

from __future__ import annotations

import argparse

from zoo.api import export
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    assert isinstance(parser, Parser)
    parser.examples = ("zoo export mine mine-as-files", "zoo export joint --head sentiment sentiment-as-files")
    parser.add_argument("result", metavar="RESULT", help="a finished run, or one of its heads")
    parser.add_argument("folder", metavar="DIR", help="a new folder")
    parser.add_argument("--head", default="", metavar="NAME", help="of a run with several heads, the one to write")
    parser.add_argument("--task", default="", help="of a run with several heads, the one that does this")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Write it; prints where it is."""
    folder = export(args.result, args.folder, head=args.head, task=args.task)
    if args.json:
        output.emit_json({"folder": str(folder), "files": sorted(path.name for path in folder.iterdir())})
        return ExitCode.OK
    output.line(str(folder))
    diagnostics.note("README.md in it says how it is loaded without zoo")
    return ExitCode.OK
