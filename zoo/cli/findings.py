"""How what checks have found is printed."""

from __future__ import annotations

from zoo.blocks import Tone
from zoo.cli import output
from zoo.findings import Finding, Mark

TONES: dict[Mark, Tone] = {"ok": "plain", "warning": "strong", "fault": "error"}
_COLUMN = max(map(len, TONES))
_INDENT = " " * (_COLUMN + 4)


def show_finding(finding: Finding) -> None:
    """One finding, with its mark and a way to mend it."""
    output.line(f"  {finding.mark:<{_COLUMN}}  {finding.about}: {finding.evidence}", TONES[finding.mark])
    if finding.mend:
        label = "" if finding.mark == "ok" else "mend: "
        output.line(f"{_INDENT}{label}{finding.mend}")
