"""What a text says in answer to a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading, is_whole_number_or_none
from zoo.answers.scores import ROUNDING, Score, bars_of
from zoo.blocks import Block

NO_ANSWER = "(no answer)"
"""Stands where the text does not say it."""


class ContextSpan(msgspec.Struct, frozen=True):
    """A part of the context that may be the answer."""

    start: int
    """Of its first character in the context, counted from 0."""
    end: int
    """Of the character after its last; equal to the start where the context holds no answer."""
    text: str
    """Its characters."""
    score: float
    """0 to 1."""


class ExtractedAnswer(Answer, frozen=True, tag="extracted_answer"):
    """Parts of the context that answer the question, the likeliest first."""

    spans: tuple[ContextSpan, ...]

    @property
    def text(self) -> str:
        """The likeliest answer; empty where the context holds none."""
        return self.spans[0].text

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The answers as bars, with their places."""
        return (*heading(source), bars_of([Score(_shown(span), span.score) for span in self.spans]))

    def cells(self) -> AnswerCells:
        """The likeliest answer."""
        return AnswerCells(self.text, self.spans[0].score)

    def numbers(self) -> dict[str, float]:
        """The scores by the places."""
        return {f"{one.start} to {one.end}": one.score for one in self.spans}

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """Spans with scores from 0 to 1, the likeliest first."""

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and is_whole_number_or_none(answer.truncated_at)
                and type(answer.spans) is tuple
                and all(_has_types(one) for one in answer.spans)
                and not _fault(answer.spans, rounding=0.0)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With one span or more, and scores from 0 to 1."""
        if fault := _fault(self.spans, rounding=ROUNDING):
            raise InvalidAnswer(*fault)
        spans = tuple(msgspec.structs.replace(one, score=min(1.0, max(0.0, one.score))) for one in self.spans)
        return msgspec.structs.replace(self, spans=spans)


def _shown(span: ContextSpan) -> str:
    return f"{span.text} ({span.start} to {span.end})" if span.text else NO_ANSWER


def _has_types(one: Any) -> bool:
    return (
        type(one) is ContextSpan
        and type(one.start) is type(one.end) is int
        and type(one.text) is str
        and type(one.score) is float
    )


def _fault(spans: tuple[ContextSpan, ...], *, rounding: float) -> tuple[str, str] | None:
    """What is wrong with the first span that is, and what the contract asks for.

    Args:
        spans: their fields have their types.
        rounding: how far a score may be beside 0 to 1.
    """
    if not spans:
        return "no spans", "give one zoo.ContextSpan or more, the likeliest first"
    before = 1.0
    for index, one in enumerate(spans):
        if one.start < 0 or one.end - one.start != len(one.text):
            place = f"spans[{index}] from {one.start} to {one.end} with the text {one.text!r}"
            return place, "the end is that of the last character of the text"
        if not -rounding <= one.score <= 1 + rounding:
            return f"spans[{index}].score {one.score}", "a score is a number from 0 to 1"
        if one.score > before + rounding:
            return f"spans[{index}].score {one.score}, after {before}", "the likeliest span comes first"
        before = one.score
    return None
