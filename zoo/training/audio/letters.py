"""Letters: what a network trained by CTC writes at each moment, and the texts that this makes.

At each moment it writes a letter or the blank. Of a letter that comes at several moments in a row one is kept, then the
blanks are left out (Graves et al. 2006, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from zoo.normalizers import normalized
from zoo.training.head import SPEECH, HeadConfig

BLANK = 0
"""Index of the blank."""
BLANK_NAME = "<blank>"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""What stands for a letter that the network cannot write, so that it counts as wrong."""
PAUSE_S = 0.6
"""Seconds without a letter after which a new segment begins."""


class Spelled(NamedTuple):
    """A letter and when it was heard."""

    letter: str
    start: float
    """In seconds."""
    end: float


def letters_of(texts: Iterable[str], normalizer: str) -> HeadConfig:
    """A head that can write all of some texts.

    Args:
        texts: as in the data.
        normalizer: how they are spelled before they are learnt.
    """
    letters = {letter for text in texts for letter in normalized(text, normalizer)}
    return HeadConfig(problem_type=SPEECH, labels=(BLANK_NAME, " ", *sorted(letters - {" "})), normalizer=normalizer)


def indices(text: str, head: HeadConfig) -> list[int]:
    """Of the letters of a text, as they are learnt; one that the head has not is left out."""
    index = {letter: number for number, letter in enumerate(head.labels) if number != BLANK}
    return [index[letter] for letter in normalized(text, head.normalizer) if letter in index]


def moments_needed(letters: Sequence[int]) -> int:
    """Fewest moments that letters can be written in: between two of the same there must be a blank."""
    return len(letters) + sum(one == other for one, other in pairwise(letters))


def collapsed(best: Sequence[int]) -> list[int]:
    """The letters that the best outputs of all moments make."""
    return [number for number, _ in groupby(best) if number != BLANK]


def spelled(best: Sequence[int], head: HeadConfig, start: float, step: float) -> list[Spelled]:
    """The same with times.

    Args:
        best: index of the best output at each moment.
        head: names the letters.
        start: of the first moment, in seconds.
        step: seconds between two.
    """
    letters, at = [], 0
    for number, group in groupby(best):
        length = len(list(group))
        if number != BLANK:
            letters.append(Spelled(head.labels[number], start + at * step, start + (at + length) * step))
        at += length
    return letters


def text_of(letters: Iterable[Spelled]) -> str:
    """What letters make, with one blank between words."""
    return " ".join("".join(one.letter for one in letters).split())


class FollowingText:
    """What letters make that come in parts: together the same as `text_of` makes of all."""

    def __init__(self) -> None:
        self._begun = self._blank = False

    def add(self, letters: Iterable[Spelled]) -> str:
        """What the next letters add, with a blank before it where there is one."""
        written = "".join(one.letter for one in letters)
        text = " ".join(written.split())
        if not text:
            self._blank |= bool(written)
            return ""
        before = " " if self._begun and (self._blank or written[0].isspace()) else ""
        self._begun, self._blank = True, written[-1].isspace()
        return before + text


def segments_of(letters: Sequence[Spelled]) -> list[list[Spelled]]:
    """Letters divided where nothing is said for a while; blanks at the ends are left out."""
    segments: list[list[Spelled]] = []
    spoken_until = -math.inf
    for letter in letters:
        if letter.letter == " ":
            if segments:
                segments[-1].append(letter)
            continue
        if letter.start - spoken_until > PAUSE_S:
            segments.append([])
        segments[-1].append(letter)
        spoken_until = letter.end
    return segments
