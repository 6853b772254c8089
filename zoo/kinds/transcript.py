"""Transcripts: what is said in a recording."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.kinds.kind import Unusable, is_empty, noun_of
from zoo.kinds.target_kind import TargetKind

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import TargetMeasure
    from zoo.kinds.samples import SampleSet

SAID = {"007": "a b", "late parcel": "la", "réclamation": "é"}
"""What the tones of samples say, by their labels."""


class TranscriptKind(TargetKind):
    """A text."""

    name = "transcript"
    columns = ("text", "sentence", "transcription", "transcript", "normalized_text", "raw_text")
    exact = False

    def read(self, value: Any, column: str) -> str | None:
        """The text of a cell; None where there is none."""
        if is_empty(value):
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)  # somebody reads digits
        if not isinstance(value, str):
            raise Unusable(f"column {column} holds {noun_of(value)}, not text")
        if "\0" in value:
            raise Unusable(f"column {column} holds a NUL character")
        return value.strip()

    def likeness(self, cells: list[Any]) -> float:
        """1 for texts."""
        return float(bool(cells) and all(isinstance(cell, str) for cell in cells))

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """There are no classes."""
        return [None] * len(targets)

    def sample_rows(self, inputs: SampleSet) -> list[tuple[Any, Any]]:
        """A word for each tone."""
        return [(cell, " ".join(SAID[part.label] for part in parts)) for cell, parts in inputs.parts() if parts]

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """Words, characters, and how fast they are spoken."""
        from zoo.kinds.transcript_measure import TranscriptMeasure

        return TranscriptMeasure(limits.letters)

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """How many words, of which characters."""
        from zoo.kinds import transcript_measure

        return transcript_measure.facts(part)

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Those that are spoken faster than anybody can, and characters that the model, or its training data, lack."""
        from zoo.kinds import transcript_measure

        return transcript_measure.findings(inspection)


TRANSCRIPT = TranscriptKind()
