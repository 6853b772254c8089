"""What an inspection measures of spans, and says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from zoo.kinds.facts import Finding, SpanFacts
from zoo.kinds.label_findings import of_both, of_rare, of_variants
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.spans import Span


class SpansMeasure:
    """How many spans the texts have."""

    def __init__(self) -> None:
        self._texts = self._without = self._most = self._spans = 0

    def add(self, row: int, target: tuple[Span, ...]) -> None:
        """Count the spans of a text."""
        self._texts += 1
        self._without += not target
        self._most = max(self._most, len(target))
        self._spans += len(target)

    def complete(self, part: Part) -> Part:
        """With the counts, where there is any text."""
        if not self._texts:
            return part
        facts = SpanFacts(spans=self._spans, texts=self._texts, without=self._without, most=self._most)
        return msgspec.structs.replace(part, spans=facts)


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """How many there are."""
    spans = part.spans
    if spans:
        without = f"; {counted(spans.without, 'text', 'have')} none" if spans.without else ""
        each = f"{spans.spans / spans.texts:.2g} a text on average, {spans.most:,} at most"
        yield "spans", f"{spans.spans:,}, {each}{without}"


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Labels that only one part has, or that are rare; no spans at all."""
    if inspection.eval:
        yield from of_both(inspection)
    for part in (inspection.train, inspection.eval):
        if part and part.spans and not part.spans.spans:
            yield Finding("error", f"no text of {part.path} has any span")
    if inspection.train.spans is None:
        return
    yield from of_variants(inspection)
    yield from of_rare(inspection, {count.label: count.rows for count in inspection.labels if count.rows}, "span")
