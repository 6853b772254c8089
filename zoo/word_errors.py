"""The fewest changes that make one text of another, word by word (Levenshtein 1966)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from zoo.blocks import SpanMark, Spans
from zoo.normalizers import DEFAULT, normalized

if TYPE_CHECKING:
    from rapidfuzz.distance import Opcodes

_ABSENT = "∅"
"""What stands in the place of a word that only one side has."""
_ARROW = "→"
_LABELS = {"replace": "substitution", "delete": "deletion", "insert": "insertion"}


class WordErrors(NamedTuple):
    """Of a transcript beside what was said."""

    words: int
    """Of the reference."""
    substitutions: int
    deletions: int
    insertions: int
    characters: int
    """Of the reference, blanks included."""
    character_errors: int

    @property
    def errors(self) -> int:
        """Of all three sorts."""
        return self.substitutions + self.deletions + self.insertions


def error_rate(reference: str, transcript: str, normalizer: str = "") -> float:
    """Errors a word of one recording; of a reference without words, the words that were heard."""
    name = normalizer or DEFAULT
    counted = word_errors(normalized(reference, name), normalized(transcript, name))
    return counted.errors / max(1, counted.words)


def marked_errors(reference: str, transcript: str, heading: str = "") -> Spans:
    """A transcript as what it should be, its errors marked: `the cat→bat sat on→∅ the mat`.

    Args:
        reference: what was said.
        transcript: what was heard; both are spelled alike already.
        heading: what stands before the words.
    """
    said, heard = reference.split(), transcript.split()
    text, marks = heading, list[SpanMark]()
    for code in _opcodes(said, heard):
        pairs = zip_longest(
            said[code.src_start : code.src_end], heard[code.dest_start : code.dest_end], fillvalue=_ABSENT
        )
        for left, right in pairs:
            word = left if code.tag == "equal" else f"{left}{_ARROW}{right}"
            text += f" {word}" if text else word
            if code.tag != "equal":
                marks.append(SpanMark(len(text) - len(word), len(text), _LABELS[code.tag]))
    return Spans(text=text, spans=tuple(marks), labelled=False)


def word_errors(reference: str, transcript: str) -> WordErrors:
    """Count the fewest changes that make the reference of a transcript; both are spelled alike already."""
    from rapidfuzz.distance import Levenshtein

    said, heard = reference.split(), transcript.split()
    counts = {"replace": 0, "delete": 0, "insert": 0, "equal": 0}
    for code in _opcodes(said, heard):
        counts[code.tag] += max(code.src_end - code.src_start, code.dest_end - code.dest_start)
    return WordErrors(
        words=len(said),
        substitutions=counts["replace"],
        deletions=counts["delete"],
        insertions=counts["insert"],
        characters=len(reference),
        character_errors=Levenshtein.distance(reference, transcript),
    )


def _opcodes(said: Sequence[str], heard: Sequence[str]) -> Opcodes:
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.opcodes(said, heard)
