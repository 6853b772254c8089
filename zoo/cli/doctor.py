"""Look for what keeps zoo from working here, and say how to mend it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import msgspec

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.findings import show_finding
from zoo.cli.parser import Parser
from zoo.doctor import CHECKS, NETWORK, Finding, examine
from zoo.plurals import counted


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = ("zoo doctor", "zoo doctor --network", "zoo doctor --json")
    parser.add_argument("--network", action="store_true", help="ask the servers that models come from, too")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Make every check; one that finds a fault makes the exit code 1."""
    findings = []
    title = ""
    for section, finding in _findings(network=args.network):
        findings.append((section, finding))
        if not args.json:
            diagnostics.status("")
            if section != title:
                _show_title(section, first=not title)
            title = section
            show_finding(finding)
            output.flush()  # the next check may take its time
    diagnostics.status("")
    marks = Counter(finding.mark for _, finding in findings)
    if args.json:
        documents = [{"section": section, **msgspec.to_builtins(finding)} for section, finding in findings]
        output.emit_json({"ok": not marks["fault"], "findings": documents})
    else:
        diagnostics.note(f"{counted(marks['fault'], 'fault')}, {counted(marks['warning'], 'warning')}")
    return ExitCode.FAILED if marks["fault"] else ExitCode.OK


def _findings(*, network: bool) -> Iterator[tuple[str, Finding]]:
    """What every check finds; what one has found another one does not repeat."""
    seen = set()
    for check in (*CHECKS, *([NETWORK] if network else [])):
        diagnostics.status(f"looking at {check.section}")
        for finding in examine(check):
            key = (finding.mark, finding.evidence)
            if finding.mark != "fault" or key not in seen:
                yield check.section, finding
            seen.add(key)


def _show_title(section: str, *, first: bool) -> None:
    if not first:
        output.line()
    output.line(section, "strong")
