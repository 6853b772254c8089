"""List the places where runs compute; `zoo places check` looks whether they can."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import msgspec

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.findings import show_finding
from zoo.cli.parser import Parser
from zoo.findings import Finding
from zoo.options import Option, changed, read
from zoo.places.checking import TIMEOUT_S, check
from zoo.places.kinds import broken_kinds
from zoo.places.table import DeclaredPlace, declared_place, path, places
from zoo.plurals import counted

TIMEOUT = Option(name="timeout", kind="float", default=TIMEOUT_S, help="Seconds that its job may take.", gt=0)
HEADERS = ("PLACE", "KIND", "WHAT", "SETTINGS")


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = ("zoo places", "zoo places check", "zoo places check gpu --timeout 600")
    parser.add_argument("verb", metavar="check", nargs="?", choices=["check"], help="hand a small job over, and look")
    parser.add_argument("place", metavar="PLACE", nargs="?", default="", help="check this one (default: all)")
    parser.add_argument(
        TIMEOUT.flag,
        type=lambda text: read(TIMEOUT, text),
        default=TIMEOUT.default,
        metavar="S",
        help="seconds that its job may take (default: 120)",
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print a table, or make the checks; one that finds a fault makes the exit code 1."""
    if args.verb == "check":
        return _check([declared_place(args.place)] if args.place else places(), args.timeout, as_json=args.json)
    listed, broken = places(), broken_kinds()
    if args.json:
        output.emit_json({"file": str(path()), "places": [_document(one) for one in listed], "failures": broken})
    else:
        output.table([_row(one) for one in listed], HEADERS)
        for failure in broken:
            diagnostics.warn(f"kind {failure.name}: {failure.error}", f"hint: {failure.hint}")
        diagnostics.note(f"{path()} declares them; zoo finetune MODEL --data DATA --on PLACE hands a run over")
    return ExitCode.PLUGIN if broken else ExitCode.OK


def _row(one: DeclaredPlace) -> tuple[str, ...]:
    return (one.name, one.kind.name, one.kind.help, ", ".join(f"{k} {v}" for k, v in changed(one.settings).items()))


def _document(one: DeclaredPlace) -> dict[str, object]:
    return {"place": one.name, "kind": one.kind.name, "settings": msgspec.to_builtins(one.settings)}


def _check(checked: Sequence[DeclaredPlace], timeout_s: float, *, as_json: bool) -> ExitCode:
    findings: list[tuple[str, Finding]] = []
    for number, declared in enumerate(checked):
        if not as_json:
            if number:
                output.line()
            output.line(declared.name, "strong")
        diagnostics.status(f"looking at {declared.name}")
        for finding in check(declared.make(), timeout_s):
            findings.append((declared.name, finding))
            if not as_json:
                diagnostics.status("")
                show_finding(finding)
                output.flush()  # the next one may take its time
            diagnostics.status(f"looking at {declared.name}")
    diagnostics.status("")
    marks = Counter(finding.mark for _, finding in findings)
    if as_json:
        documents = [{"place": name, **msgspec.to_builtins(finding)} for name, finding in findings]
        output.emit_json({"ok": not marks["fault"], "findings": documents})
    else:
        diagnostics.note(f"{counted(marks['fault'], 'fault')}, {counted(marks['warning'], 'warning')}")
    return ExitCode.FAILED if marks["fault"] else ExitCode.OK
