"""Do a finished run again from its record, and say whether the same bits come out."""

from __future__ import annotations

import argparse

import msgspec

from zoo.api import Run, open_run, start_replay
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_now
from zoo.cli.render import show_blocks
from zoo.cli.watching import leave, watch, watch_to_result
from zoo.errors import OptionInvalid
from zoo.replaying import Difference
from zoo.sanitize import one_line


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = (
        "zoo replay mine",
        "zoo replay mine.zip --detach",
        "zoo replay mine --data moved/here --device cpu",
        "zoo replay mine-replay --check",
    )
    parser.add_argument("run", metavar="RUN", help="a finished run, or a bundle (zoo export RUN --bundle FILE.zip)")
    parser.add_argument("--data", metavar="DATA", help="the file, or the folder, that has its data now")
    parser.add_argument("--anyway", action="store_true", help="on data that are not what they were, too")
    parser.add_argument("--name", default="", help="name of the replay (default: RUN-replay)")
    parser.add_argument("--device", default="", help="auto, cpu, cuda, cuda:N, mps or xpu (default: that of the run)")
    parser.add_argument(
        "--check",
        action="store_true",
        help="start nothing: say of a finished replay whether it gave the same bits",
    )
    add_now(parser)
    add_detach(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Say what differs, do it again in a worker, say what came of it; 7 where that is not the same."""
    if args.check:
        if args.anyway or args.data or args.name or args.device or args.detach:
            raise OptionInvalid("--check starts nothing, so there is nothing else to say", "zoo replay RUN --check")
        return _verdict(open_run(args.run), as_json=args.json)
    new_run = start_replay(
        args.run,
        _report_differences,
        anyway=args.anyway,
        data=args.data,
        name=args.name,
        device=args.device,
        now=args.now,
    )
    if args.detach:
        code = leave(new_run, as_json=args.json)
        diagnostics.note(f"the same bits? once it has finished: zoo replay {new_run.name} --check")
        return code
    diagnostics.note(f"run: {new_run.name}, in {new_run.folder.path}")
    code = watch(new_run, stop_on_interrupt=True) if args.json else watch_to_result(new_run, as_json=False)
    return code if code != ExitCode.OK else _verdict(new_run, as_json=args.json)


def _report_differences(differences: tuple[Difference, ...]) -> None:
    """What is not as it was, before anything is started."""
    for one in differences:
        line = f"{one.what} was {one.then} and is {one.now}"
        (diagnostics.warn if one.of_data else diagnostics.note)(one_line(line))
    if not differences:
        diagnostics.note("data, weights, versions, processor and threads are what they were")


def _verdict(finished: Run, *, as_json: bool) -> ExitCode:
    verdict = finished.replayed
    if as_json:
        output.emit_json(msgspec.to_builtins(verdict))
    else:
        show_blocks(verdict.blocks())
    return ExitCode.OK if verdict.same else ExitCode.GATE
