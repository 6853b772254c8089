"""One label of several, with the probabilities of all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading, is_whole_number_or_none
from zoo.answers.label_set import label_cell
from zoo.answers.scores import Score, ScoreCheck, bars_of, checked_scores, log_odds, ranked
from zoo.blocks import Block, Paragraph

TOTAL_ROUNDING = 1e-3
"""How far the sum of all probabilities may be from 1."""
NOT_SURE = "not sure"
"""Stands where every label is left open, or none."""
LEAST = 1e-38
"""Probability that one of 0 is taken for where its logarithm is needed: the smallest of float32."""
KEPT_SCORES = 5
"""Most labels of one answer that a list of mistakes keeps."""


class Classification(Answer, frozen=True, tag="classification"):
    """Labels with probabilities, most probable first."""

    scores: tuple[Score, ...]
    likely: tuple[str, ...] | None = None
    """Labels that are left open, where the model was asked to be sure; None where it was not asked."""
    not_sure: bool = False
    """Whether none of them is excluded, or all are."""

    @classmethod
    def ranked(
        cls,
        labels: tuple[str, ...],
        probabilities: Sequence[float],
        indices: Sequence[int],
        *,
        truncated_at: int | None = None,
    ) -> Self:
        """Make one of what `topk` gives, as lists; cheaper to check than scores that are made one by one.

        Args:
            labels: of the model; the same tuple for every input.
            probabilities: the largest first.
            indices: of the label of each.
            truncated_at: how many tokens were read of a text that has more.
        """
        return cls(ranked(labels, probabilities, indices), truncated_at=truncated_at)

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.scores[0].label

    @property
    def probability(self) -> float:
        """Probability of the most probable label."""
        return self.scores[0].probability

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The labels as bars, and above them those that are left open."""
        choice = NOT_SURE if self.not_sure else " or ".join(self.likely or ())
        return (*heading(source), *([Paragraph(text=choice)] if choice else []), bars_of(self.scores))

    def cells(self) -> AnswerCells:
        """The most probable label; or those that are left open, which have no probability."""
        if self.not_sure:
            return AnswerCells(NOT_SURE)
        if self.likely is None or len(self.likely) == 1:
            return AnswerCells(self.label, self.probability)
        return AnswerCells(label_cell(self.likely))

    def tempered(self, temperature: float) -> Self:
        """The same labels with other probabilities, in the same order (Guo et al. 2017)."""
        logs = [math.log(max(score.probability, LEAST)) / temperature for score in self.scores]
        shares = [math.exp(log - logs[0]) for log in logs]
        total = math.fsum(shares)
        scores = tuple(Score(one.label, share / total) for one, share in zip(self.scores, shares, strict=True))
        return msgspec.structs.replace(self, scores=scores)

    def left_open(self, least: float) -> Self:
        """With the labels of at least that probability left open."""
        likely = tuple(score.label for score in self.scores if score.probability >= least)
        return msgspec.structs.replace(self, likely=likely, not_sure=len(likely) in (0, len(self.scores)))

    def cut(self, count: int) -> Self:
        """With so many scores at most."""
        return msgspec.structs.replace(self, scores=self.scores[:count])

    def as_target(self) -> str:
        """The most probable label."""
        return self.label

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """Scores of labels of the model."""
        has_right_scores = ScoreCheck(labels)

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and answer.likely is None
                and is_whole_number_or_none(answer.truncated_at)
                and has_right_scores(answer.scores)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With probabilities from 0 to 1, of labels of the model."""
        return msgspec.structs.replace(self, scores=checked_scores(self.scores, labels))

    def check_complete(self, labels: frozenset[str]) -> None:
        """Each label has its score, and together they are 1."""
        if {score.label for score in self.scores} != labels:
            raise InvalidAnswer(f"scores of {len(self.scores)} of {len(labels)} labels", "each label has its score")
        total = sum(score.probability for score in self.scores)
        if abs(total - 1) > TOTAL_ROUNDING:
            raise InvalidAnswer(f"probabilities that add up to {total}", "those of all labels add up to 1")

    def severity(self, target: Any) -> float | None:
        """How sure the model is of another label."""
        return None if self.label == target else self.probability

    def log_odds(self, target: Any) -> float | None:
        """Of the label against all others together."""
        if target not in (probability := self.numbers()):
            return None
        return log_odds(probability[target], sum(other for label, other in probability.items() if label != target))

    def numbers(self) -> dict[str, float]:
        """The probabilities by their labels."""
        return {score.label: score.probability for score in self.scores}

    def shortened(self) -> Self:
        """The most probable labels."""
        return msgspec.structs.replace(self, scores=self.scores[:KEPT_SCORES])
