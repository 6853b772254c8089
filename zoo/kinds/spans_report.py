"""What an inspection measures of spans, and says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.kinds.facts import AmbiguousWords, Finding, ModelLimits, SpanFacts
from zoo.kinds.label_findings import of_both, of_rare, of_variants
from zoo.kinds.lengths import FirstTokens
from zoo.kinds.spelling import quoted_start
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.spans import Span

_WORDS_SHOWN = 3


class SpansMeasure:
    """How many spans the texts have, which words have several labels, and what lies beyond the tokens read at once."""

    def __init__(self, limits: ModelLimits) -> None:
        self._texts = self._without = self._most = self._spans = self._beyond = self._long_texts = 0
        self._labels: dict[str, Counter[str]] = {}
        self._first_tokens = None
        self._max_tokens = limits.max_tokens if limits.tokenizer else None
        if limits.tokenizer and limits.max_tokens:
            self._first_tokens = FirstTokens(limits.tokenizer, limits.max_tokens)

    def add(self, row: int, target: tuple[Span, ...], value: Any) -> None:
        """Count the spans of a text."""
        self._texts += 1
        self._without += not target
        self._most = max(self._most, len(target))
        self._spans += len(target)
        if not isinstance(value, str) or not target:
            return
        for span in target:
            words = " ".join(value[span.start : span.end].split())
            self._labels.setdefault(words, Counter())[span.label] += 1
        if self._first_tokens:
            end = self._first_tokens.end_in(value)
            beyond = sum(span.end > end for span in target)
            self._beyond += beyond
            self._long_texts += beyond > 0

    def complete(self, part: Part) -> Part:
        """With the counts, where there is any text."""
        if not self._texts:
            return part
        ambiguous = [(words, labels) for words, labels in self._labels.items() if len(labels) > 1]
        ambiguous.sort(key=lambda one: (-sum(one[1].values()) + max(one[1].values()), one[0]))
        facts = SpanFacts(
            spans=self._spans,
            texts=self._texts,
            without=self._without,
            most=self._most,
            ambiguous=len(ambiguous),
            first_ambiguous=tuple(
                AmbiguousWords(words, dict(labels.most_common())) for words, labels in ambiguous[:_WORDS_SHOWN]
            ),
            max_tokens=self._max_tokens,
            beyond=self._beyond,
            long_texts=self._long_texts,
        )
        return msgspec.structs.replace(part, spans=facts)


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """How many there are."""
    spans = part.spans
    if spans:
        without = f"; {counted(spans.without, 'text', 'have')} none" if spans.without else ""
        each = f"{spans.spans / spans.texts:.2g} a text on average, {spans.most:,} at most"
        yield "spans", f"{spans.spans:,}, {each}{without}"


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Labels that only one part has, or that are rare; words of several labels; no spans at all."""
    if inspection.eval:
        yield from of_both(inspection)
    for part in (inspection.train, inspection.eval):
        if part and part.spans:
            yield from _of_part(part, part.spans)
    if inspection.train.spans is None:
        return
    yield from of_variants(inspection)
    yield from of_rare(inspection, {count.label: count.rows for count in inspection.labels if count.rows}, "span")


def _of_part(part: Part, spans: SpanFacts) -> Iterator[Finding]:
    if not spans.spans:
        yield Finding("error", f"no text of {part.path} has any span")
    if spans.beyond and spans.max_tokens:
        yield Finding(
            "info",
            f"{part.path}: a cut after the {spans.max_tokens:,} tokens that the model reads at once would lose "
            f"{counted(spans.beyond, 'span')} of {counted(spans.long_texts, 'text')}; such texts are read in windows "
            "that overlap, and nothing is lost",
        )
    if spans.ambiguous:
        examples = "; ".join(
            f"{quoted_start(one.words)} ({', '.join(f'{label} {count:,}' for label, count in one.labels.items())})"
            for one in spans.first_ambiguous
        )
        yield Finding(
            "info",
            f"{part.path}: {counted(spans.ambiguous, 'wording', 'have')} several labels, which only what stands around "
            f"them can tell apart, such as {examples}",
        )
