"""What an inspection measures of completions, and says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.kinds.facts import CompletionFacts, Finding
from zoo.kinds.lengths import LengthMeter
from zoo.kinds.text_report import lengths_text
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part


class CompletionMeasure:
    """Lengths, and which are empty."""

    def __init__(self) -> None:
        self._lengths = LengthMeter()
        self._empty = self._first_empty_row = 0

    def add(self, row: int, target: str, value: Any) -> None:
        """Measure one more."""
        self._lengths.add(target)
        if not target.strip():
            self._empty += 1
            self._first_empty_row = self._first_empty_row or row

    def complete(self, part: Part) -> Part:
        """With what was measured, where there is any."""
        lengths = self._lengths.result()
        if lengths is None:
            return part
        facts = CompletionFacts(lengths=lengths, empty=self._empty, first_empty_row=self._first_empty_row)
        return msgspec.structs.replace(part, completions=facts)


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """How long they are."""
    if part.completions:
        yield "answers", lengths_text(part.completions.lengths)


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Rows without a word to learn."""
    for part in (inspection.train, inspection.eval):
        if part and part.completions and part.completions.empty:
            empty = counted(part.completions.empty, "row", "have")
            yield Finding(
                "error",
                f"{part.path}: {empty} an empty completion, from which nothing can be learnt; the first is row "
                f"{part.completions.first_empty_row}: remove them, or write what shall follow",
            )
