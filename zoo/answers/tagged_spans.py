"""Parts of a text, each with a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, FileFormat, InvalidAnswer, is_whole_number_or_none
from zoo.answers.probabilities import ProbabilityTable
from zoo.answers.scores import ROUNDING
from zoo.blocks import Block, SpanMark, Spans
from zoo.encoding import encode_json


class TaggedSpan(msgspec.Struct, frozen=True):
    """A part of a text with its label, such as the name of a person."""

    start: int
    """Of its first character, counted from 0."""
    end: int
    """Of the character after its last."""
    label: str
    text: str
    """Its characters."""
    score: float
    """0 to 1."""


class TaggedSpans(Answer, frozen=True, tag="tagged_spans"):
    """A text, and what was found in it."""

    file_formats = {
        "conll": FileFormat("zoo.answers.tagged_files:Conll", (".conll", ".bio", ".iob2")),
        "spacy": FileFormat("zoo.answers.tagged_files:SpacyLines"),
    }

    text: str
    """The whole text, which the places of the spans are of."""
    spans: tuple[TaggedSpan, ...]
    """In the order of the text."""
    raw_spans: tuple[TaggedSpan, ...] | None = None
    """What conlleval reads from the tags of the words as the network gives them, also spans that nothing began; None
    where that was not asked for, or is the same."""
    words: tuple[tuple[int, int], ...] | None = None
    """First character of each word, and the one after its last; None where no probabilities were asked for."""
    probabilities: ProbabilityTable | None = None
    """Of the tags of each word, as the network gives them; None likewise."""

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The whole text with its marks, which takes the place of the input."""
        marks = tuple(SpanMark(one.start, one.end, one.label, one.score) for one in self.spans)
        return (Spans(text=self.text, spans=marks),)

    def cells(self) -> AnswerCells:
        """The spans as a list in JSON, which data to learn from can have in a cell, too."""
        return AnswerCells(encode_json(self.spans).decode())

    def as_target(self) -> tuple[tuple[int, int, str], ...]:
        """Places and labels of the spans."""
        return tuple((one.start, one.end, one.label) for one in self.spans)

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """Spans within the text, of labels of the model."""

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and type(answer.text) is str
                and type(answer.spans) is tuple
                and is_whole_number_or_none(answer.truncated_at)
                and answer.probabilities is None
                and answer.words is None
                and (not answer.spans or (_has_types(answer.spans) and not _fault(answer, labels, rounding=0.0)))
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With spans within the text, in its order, of labels of the model, and scores from 0 to 1."""
        if fault := _fault(self, labels, rounding=ROUNDING):
            raise InvalidAnswer(*fault)
        if self.probabilities is not None:
            if self.words is None or self.probabilities.shape != (len(self.words),):
                raise InvalidAnswer(f"probabilities of shape {self.probabilities.shape}", "each is of one of the words")
            if wrong := self.probabilities.fault():
                raise InvalidAnswer(wrong, "zoo.ProbabilityTable.of packs an array")
        spans = tuple(msgspec.structs.replace(one, score=min(1.0, max(0.0, one.score))) for one in self.spans)
        return msgspec.structs.replace(self, spans=spans)

    def severity(self, target: Any) -> float | None:
        """How sure the model is of spans that are wrong, added up, and 1 for each that it has not found."""
        answered = {(one.start, one.end, one.label): one.score for one in self.spans}
        true = {(one.start, one.end, one.label) for one in target}
        if answered.keys() == true:
            return None
        return sum(score for span, score in answered.items() if span not in true) + len(true - answered.keys())

    def numbers(self) -> dict[str, float]:
        """The scores by places and labels."""
        return {f"{one.start} to {one.end}: {one.label}": one.score for one in self.spans}


def _has_types(spans: Sequence[Any]) -> bool:
    return all(
        type(one) is TaggedSpan
        and type(one.start) is type(one.end) is int
        and type(one.label) is type(one.text) is str
        and type(one.score) is float
        for one in spans
    )


def _fault(answer: TaggedSpans, labels: frozenset[str], *, rounding: float) -> tuple[str, str] | None:
    """What is wrong with the first span that is, and what the contract asks for.

    Args:
        answer: its fields have their types.
        labels: of the model; empty where any will do.
        rounding: how far a score may be beside 0 to 1.
    """
    before = 0
    for index, one in enumerate(answer.spans):
        place = f"spans[{index}] from {one.start} to {one.end}"
        if not 0 <= one.start < one.end <= len(answer.text):
            return place, f"a span holds at least one of the {len(answer.text)} characters of its text, and no others"
        if one.start < before:
            return f"{place}, after one from {before}", "spans come in the order of the text"
        if one.text != answer.text[one.start : one.end]:
            return f"{place} with the text {one.text!r}", f"its characters are {answer.text[one.start : one.end]!r}"
        if labels and one.label not in labels:
            return f"{place} of the label {one.label!r}, which the model has not", "labels are those of the model"
        if not -rounding <= one.score <= 1 + rounding:
            return f"{place} with the score {one.score}", "a score is a number from 0 to 1"
        before = one.start
    return None
