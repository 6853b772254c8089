"""Completions: the text that shall follow a prompt."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.kinds.kind import Unusable, noun_of
from zoo.kinds.target_kind import TargetKind

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import TargetMeasure

EMPTY = "the completion is empty, so nothing can be learnt from it"


class CompletionKind(TargetKind):
    """A text."""

    name = "completion"
    columns = ("completion", "response", "answer", "output")
    exact = False
    learnt_in_part = True
    without = "all of each text is learnt, and of conversations what the assistant says"

    def read(self, value: Any, column: str) -> str:
        """The text of a cell. One without is kept, too: no training begins with it, and none goes on in silence."""
        if value is None or value != value:  # noqa: PLR0124
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise Unusable(f"column {column} holds {noun_of(value)}, not text")
        if "\0" in value:
            raise Unusable(f"column {column} holds a NUL character")
        return value

    def teaches_nothing(self, target: str) -> str:
        """Those without a word."""
        return "" if target.strip() else EMPTY

    def likeness(self, cells: list[Any]) -> float:
        """1 for texts."""
        return float(bool(cells) and all(isinstance(cell, str) for cell in cells))

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """There are no classes."""
        return [None] * len(targets)

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """How long they are."""
        from zoo.kinds.completion_measure import CompletionMeasure

        return CompletionMeasure()

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """How long they are."""
        from zoo.kinds import completion_measure

        return completion_measure.facts(part)

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Those without a word."""
        from zoo.kinds import completion_measure

        return completion_measure.findings(inspection)


COMPLETION = CompletionKind()
