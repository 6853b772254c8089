"""The fewest changes that make one text of another, word by word (Levenshtein 1966)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zoo.normalizers import DEFAULT, normalized

if TYPE_CHECKING:
    from rapidfuzz.distance import Opcodes

_ABSENT = "***"
"""What stands across a word that only one side has."""


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


def aligned(reference: str, transcript: str) -> tuple[str, str]:
    """Two texts with their words one below the other: capital letters differ, `***` is a word that only one has."""
    said, heard = reference.split(), transcript.split()
    above: list[str] = []
    below: list[str] = []
    for code in _opcodes(said, heard):
        left, right = said[code.src_start : code.src_end], heard[code.dest_start : code.dest_end]
        if code.tag == "equal":
            above, below = [*above, *left], [*below, *right]
            continue
        longest = max(len(left), len(right))
        above += [word.upper() for word in left] + [_ABSENT] * (longest - len(left))
        below += [word.upper() for word in right] + [_ABSENT] * (longest - len(right))
    return " ".join(above), " ".join(below)


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
