"""Say what went wrong with a run: evidence, and what to do about it."""

from __future__ import annotations

import argparse

import msgspec

from zoo.api import open_run
from zoo.cli import output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser
from zoo.diagnosis import Diagnosis, diagnose
from zoo.sanitize import one_line


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = ("zoo why mine",)
    parser.add_argument("run", metavar="RUN", help="name of a run, or its beginning")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Ask the rules, and print what they find."""
    diagnosis = diagnose(open_run(args.run).folder)
    if args.json:
        output.emit_json(msgspec.to_builtins(diagnosis))
    else:
        _show(diagnosis)
    return ExitCode.OK


def _show(diagnosis: Diagnosis) -> None:
    """Each finding with its evidence; commands stand on lines of their own, whole, to be copied."""
    name = f"{diagnosis.run} ({diagnosis.status})"
    if not diagnosis.findings:
        output.line(f"{name}: nothing wrong was found", "strong")
        output.line(f"  looked at {diagnosis.looked_at}")
    for place, finding in enumerate(diagnosis.findings):
        if place:
            output.line()
        output.line(f"{name}: {one_line(finding.what)}", "strong")
        width = max((len(one.name) for one in finding.evidence), default=0)
        for one in finding.evidence:
            output.line(f"  {one.name:<{width}}  {one_line(one.value)}")
        if finding.remedies:
            output.line("what to do:")
        for remedy in finding.remedies:
            output.line(f"  {one_line(remedy.command)}")
            output.line(f"      {one_line(remedy.what)}")
