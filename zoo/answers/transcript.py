"""What is said in a recording."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, FileFormat, InvalidAnswer, heading, is_whole_number_or_none
from zoo.blocks import Block, Paragraph


class Segment(msgspec.Struct, frozen=True):
    """A part of a recording, and what is said in it."""

    start: float
    """In seconds from the beginning of the recording, like `end`."""
    end: float
    text: str


class Transcript(Answer, frozen=True, tag="transcript"):
    """What is said in a recording."""

    file_formats: ClassVar = {
        "srt": FileFormat("zoo.answers.subtitles:SubRip", (".srt",)),
        "vtt": FileFormat("zoo.answers.subtitles:WebVtt", (".vtt",)),
        "json": FileFormat("zoo.answers.subtitles:Json", (".json",)),
        "text": FileFormat("zoo.answers.subtitles:PlainText", (".txt",)),
    }

    text: str
    segments: tuple[Segment, ...] = ()
    """With times, in order; empty where the model does not say when."""
    language: str = ""
    """ISO 639-1 code of what is spoken, where the model says it."""
    normalizer: str = ""
    """What it is to be compared by (`zoo.normalizers`); empty for the usual one."""

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The text; where there are several segments, each with the time that it begins at."""
        if len(self.segments) > 1:
            lines = (f"{clock(one.start)}  {one.text.strip()}" for one in self.segments)
            return (*heading(source), *(Paragraph(text=line) for line in lines))
        return (*heading(source), Paragraph(text=self.text or "(nothing was heard)"))

    def cells(self) -> AnswerCells:
        """The text."""
        return AnswerCells(self.text)

    def severity(self, target: str) -> float | None:
        """Words that are wrong, of those that were said."""
        from zoo.word_errors import error_rate

        return error_rate(target, self.text, self.normalizer) or None

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """A text without times."""

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and type(answer.text) is str
                and not answer.segments
                and is_whole_number_or_none(answer.truncated_at)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With times that do not go back."""
        before = 0.0
        for number, segment in enumerate(self.segments):
            if not (math.isfinite(segment.start) and math.isfinite(segment.end)):
                raise InvalidAnswer(f"segments[{number}] {segment.start} to {segment.end}", "times are finite seconds")
            if not before <= segment.start <= segment.end:
                raise InvalidAnswer(
                    f"segments[{number}] {segment.start} to {segment.end}", "segments are in order, from 0 seconds on"
                )
            before = segment.start
        return self


class TimedText(str):
    """A piece of a transcript that grows, and when it is said."""

    __slots__ = ("start",)
    start: float
    """In seconds from the beginning of the recording."""

    def __new__(cls, text: str, start: float) -> Self:
        """A text with its time."""
        piece = super().__new__(cls, text)
        piece.start = start
        return piece


def shown_piece(piece: str, *, first: bool) -> str:
    """A piece of an answer as it is shown behind those before it: one that is timed on a line of its own.

    Args:
        piece: of the answer.
        first: whether the answer begins with it.
    """
    if not isinstance(piece, TimedText):
        return piece
    line = f"{clock(piece.start)}  {piece.strip()}"
    return line if first else f"\n{line}"


def clock(seconds: float, *, decimal: str = "") -> str:
    """A time of a recording: `01:02:03`, with milliseconds after a decimal sign where one is given."""
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, rest = divmod(rest, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}" + (f"{decimal}{rest:03}" if decimal else "")
