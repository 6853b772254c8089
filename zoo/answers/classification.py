"""One label of several, with the probabilities of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, heading, is_whole_number_or_none
from zoo.answers.scores import Score, are_right, bars_of, checked_scores
from zoo.blocks import Block

KEPT_SCORES = 5
"""Most labels of one answer that a list of mistakes keeps."""


class Classification(Answer, frozen=True, tag="classification"):
    """Labels with probabilities, most probable first."""

    scores: tuple[Score, ...]

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
        return AnswerCells(self.label, f"{self.probability:.6f}")

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """Scores of labels of the model."""

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and is_whole_number_or_none(answer.truncated_at)
                and are_right(answer.scores, labels)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With probabilities from 0 to 1, of labels of the model."""
        return msgspec.structs.replace(self, scores=checked_scores(self.scores, labels))

    def severity(self, target: Any) -> float | None:
        """How sure the model is of another label."""
        return None if self.label == target else self.probability

    def shortened(self) -> Self:
        """The most probable labels."""
        return msgspec.structs.replace(self, scores=self.scores[:KEPT_SCORES])
