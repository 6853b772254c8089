"""Texts: a cell is the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.kinds.input_kind import InputKind
from zoo.kinds.kind import Unusable

if TYPE_CHECKING:
    from zoo.data.report import Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import Measure
    from zoo.kinds.samples import SampleSet


class TextKind(InputKind):
    """A text."""

    name = "text"
    columns: tuple[str, ...] = ("text", "sentence", "review", "content", "message", "document", "body", "utterance")
    singular = "a text"
    cell = "text"
    example = '"some text"'
    example_data = "reviews.csv"
    data_advice = "CSV, TSV, JSON, Parquet or text"

    def parse(self, text: str, column: str, base: Path) -> str:
        """The text as it stands."""
        if "\0" in text:
            raise Unusable(f"column {column} holds a NUL character")
        return text

    def digests(self, inputs: Iterable[str]) -> list[str]:
        """None: texts are compared."""
        return [""] * len(list(inputs))

    def expand(self, words: Iterable[str]) -> list[str]:
        """Each word is a text."""
        return list(words)

    def likeness(self, cells: list[Any]) -> float:
        """Mean number of words, where there are several."""
        texts = [cell for cell in cells if isinstance(cell, str)]
        words = sum(len(text.split()) for text in texts) / max(1, len(cells))
        return words if words > 1 else 0.0

    def measure(self, base: Path, limits: ModelLimits) -> Measure:
        """Lengths and characters."""
        from zoo.kinds.text_measure import TextMeasure

        return TextMeasure(limits)

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """How long they are."""
        from zoo.kinds import text_report

        return text_report.facts(part)

    def findings(self, part: Part) -> Iterator[Finding]:
        """Texts that are cut."""
        from zoo.kinds import text_report

        return text_report.findings(part)

    plainly = "words (TF-IDF)"

    def plain_vectors(self, learnt_from: Iterable[str]) -> tuple[Any, Callable[[Iterable[str]], Any]] | None:
        """Words and pairs of words."""
        from zoo.kinds.plain_text import word_vectors

        return word_vectors(learnt_from)

    def samples(self, folder: Path, longest: int) -> SampleSet:
        """Words that distinguish three labels."""
        from zoo.kinds.text_samples import TextSamples

        return TextSamples(folder, longest)


TEXT = TextKind()


def text_key(text: str) -> bytes:
    """The same key for the same text, white space aside."""
    import hashlib

    return hashlib.blake2b(" ".join(text.split()).encode(errors="replace"), digest_size=12).digest()
