"""Texts: a cell is the input."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo.kinds.kind import InputKind, Unusable


class TextKind(InputKind):
    """A text."""

    name = "text"
    columns = ("text", "sentence", "review", "content", "message", "document", "body", "utterance")
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


TEXT = TextKind()
