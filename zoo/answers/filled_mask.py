"""What stands where a text is masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, heading, is_whole_number_or_none
from zoo.answers.scores import Score, ScoreCheck, bars_of, checked_scores
from zoo.blocks import Block

ANY: frozenset[str] = frozenset()
"""What fills a mask is no label of the model."""


class FilledMask(Answer, frozen=True, tag="filled_mask"):
    """Candidates for one masked token, most probable first; the text is given whole with the best one filled in."""

    text: str
    scores: tuple[Score, ...]

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The whole text, which takes the place of the input, and the candidates as bars."""
        return (*heading(self.text), bars_of(self.scores))

    def cells(self) -> AnswerCells:
        """The whole text, and how probable the best candidate is."""
        return AnswerCells(self.text, self.scores[0].probability)

    def numbers(self) -> dict[str, float]:
        """The probabilities by the tokens."""
        return {score.label: score.probability for score in self.scores}

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """A text, and scores of whatever tokens."""
        has_right_scores = ScoreCheck(ANY)

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and type(answer.text) is str
                and is_whole_number_or_none(answer.truncated_at)
                and has_right_scores(answer.scores)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With probabilities from 0 to 1."""
        return msgspec.structs.replace(self, scores=checked_scores(self.scores, ANY))
