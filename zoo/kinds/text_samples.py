"""Texts for the tests that plugins pass: words that reveal their labels, among words that do not."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from zoo.kinds.samples import LABELS, ROWS_PER_LABEL, SampleSet, draws

_WORDS = {
    "007": "agent secret mission spy gadget villain",
    "late parcel": "delivery parcel courier waiting monday address",
    "réclamation": "refund money broken lamp invoice complaint",
}
_COMMON = "the my is a where when please it and this"


class TextSamples(SampleSet):
    """Sentences of six words.

    Args:
        folder: where they are written.
        longest: most words of an input.
    """

    def __init__(self, folder: Path, longest: int) -> None:
        self._folder = folder
        self._longest = longest

    def rows(self) -> list[tuple[Any, str]]:
        """The sentences."""
        return list(_rows())

    def labelled(self) -> Path:
        """A CSV file."""
        path = self._folder / "texts.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *_rows()])
        return path

    def unlabelled(self) -> Path:
        """A text file."""
        path = self._folder / "texts.txt"
        path.write_text("".join(f"{text}\n" for text, _ in _rows()), encoding="utf-8")
        return path

    def inputs(self, mark: str) -> list[Any]:
        """From a single word to a hundred."""
        texts = [text for text, _ in _rows()][::4]
        lengths = [text.split()[:1] if index % 3 == 0 else text.split() * index for index, text in enumerate(texts, 1)]
        return [mark + " ".join(words[: self._longest]) for words in [*lengths, texts[0].split() * 16]]

    def unusable(self) -> list[Any]:
        """What is no text."""
        return [7, None, b"\x1b[2J"]

    def harmful(self, mark: str) -> list[Any]:
        """Texts with control sequences, and without anything to read."""
        return [f"{mark}\x1b[31mred\x1b]0;owned\x07", f"{mark}\u202etext\x00", "", " \n "]


def _rows() -> list[tuple[str, str]]:
    """(text, label); the same each time."""
    draw = draws()
    return [
        (" ".join(draw.sample(_WORDS[label].split(), 3) + draw.sample(_COMMON.split(), 3)), label)
        for _ in range(ROWS_PER_LABEL)
        for label in LABELS
    ]
