"""One label of several, with the probabilities of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading, is_whole_number_or_none
from zoo.answers.scores import Score, ScoreCheck, bars_of, checked_scores, ranked
from zoo.blocks import Block

TOTAL_ROUNDING = 1e-3
"""How far the sum of all probabilities may be from 1."""
KEPT_SCORES = 5
"""Most labels of one answer that a list of mistakes keeps."""


class Classification(Answer, frozen=True, tag="classification"):
    """Labels with probabilities, most probable first."""

    scores: tuple[Score, ...]

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
        """The labels as bars."""
        return (*heading(source), bars_of(self.scores))

    def cells(self) -> AnswerCells:
        """The most probable label."""
        return AnswerCells(self.label, self.probability)

    def as_target(self) -> str:
        """The most probable label."""
        return self.label

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """Scores of labels of the model."""
        has_right_scores = ScoreCheck(labels)

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls and is_whole_number_or_none(answer.truncated_at) and has_right_scores(answer.scores)
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

    def numbers(self) -> dict[str, float]:
        """The probabilities by their labels."""
        return {score.label: score.probability for score in self.scores}

    def shortened(self) -> Self:
        """The most probable labels."""
        return msgspec.structs.replace(self, scores=self.scores[:KEPT_SCORES])
