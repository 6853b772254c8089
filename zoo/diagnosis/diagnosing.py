"""From a run to what went wrong with it: the rules, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from zoo.blocks import Block, Paragraph, Table
from zoo.diagnosis import data, endings, learning
from zoo.diagnosis.finding import Finding
from zoo.diagnosis.record import Record
from zoo.file_cache import read_once
from zoo.runs.store import RunFolder


class Rule(NamedTuple):
    """One kind of thing that goes wrong."""

    find: Callable[[Record], Finding | None]
    unless: frozenset[str] = frozenset()
    """Names of findings that explain what this rule would say."""


CAUSES = frozenset(
    {"one-class", "wrong-column", "far-numbers", "inputs-cut", "not-a-number", "learning-rate", "frozen-body"}
)
ENDINGS = frozenset({"out-of-memory", "disk-full"})
RULES = (
    Rule(endings.out_of_memory),
    Rule(endings.disk_full),
    Rule(data.one_class),
    Rule(data.wrong_column),
    Rule(data.leak, frozenset({"one-class"})),
    Rule(data.far_numbers, ENDINGS | {"one-class", "wrong-column"}),
    Rule(learning.not_a_number, ENDINGS | {"far-numbers"}),
    Rule(learning.learning_rate, ENDINGS | {"not-a-number", "one-class", "wrong-column", "far-numbers"}),
    Rule(data.inputs_cut, ENDINGS | {"not-a-number", "learning-rate", "one-class", "wrong-column", "leak"}),
    Rule(learning.frozen_body, CAUSES - {"frozen-body"}),
    Rule(learning.nothing_learnt, CAUSES),
    Rule(learning.overfitted, CAUSES | {"nothing-learnt", "leak"}),
    Rule(endings.failed, ENDINGS | CAUSES),
)


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of a run."""

    run: str
    status: str
    findings: tuple[Finding, ...] = ()
    """Causes first."""
    looked_at: str = ""
    """What the rules had to go by."""

    def blocks(self) -> tuple[Block, ...]:
        """All of it as views draw it."""
        return tuple(_blocks(self))

    def _repr_html_(self) -> str:
        from zoo.rendering.html import html

        return html(self.blocks())


@read_once()
def diagnose(folder: RunFolder) -> Diagnosis:
    """Ask all rules about a run.

    Args:
        folder: of the run.

    Raises:
        StoreInvalid: it cannot be read.
    """
    record, findings = Record(folder), dict[str, Finding]()
    for rule in RULES:
        if rule.unless.isdisjoint(findings) and (finding := rule.find(record)):
            findings[finding.rule] = finding
    return Diagnosis(
        run=record.name,
        status=record.snapshot.status,
        findings=tuple(findings.values()),
        looked_at=_looked_at(record),
    )


def _looked_at(record: Record) -> str:
    parts = [f"{len(record.events):,} events of its log"]
    if record.is_training:
        parts.append("its data" if record.inspection else "not its data, which cannot be read any more")
    return ", ".join(parts)


def _blocks(diagnosis: Diagnosis) -> Iterator[Block]:
    name = f"{diagnosis.run} ({diagnosis.status})"
    if not diagnosis.findings:
        yield Paragraph(text=f"{name}: nothing wrong was found", tone="strong")
        yield Paragraph(text=f"looked at {diagnosis.looked_at}")
        return
    for finding in diagnosis.findings:
        yield Paragraph(text=f"{name}: {finding.what}", tone="strong")
        if finding.evidence:
            yield Table(
                title="Evidence",
                headers=("what", "value"),
                rows=tuple((one.name, one.value) for one in finding.evidence),
            )
        if finding.remedies:
            yield Table(
                title="What to do",
                headers=("command", "what it does"),
                rows=tuple((one.command, one.what) for one in finding.remedies),
            )
