"""Any number of labels, with the probabilities of all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Self

import msgspec

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading, is_whole_number_or_none
from zoo.answers.scores import LEAST_PROBABILITY, Score, ScoreCheck, bars_of, checked_scores, log_odds
from zoo.blocks import Block, Paragraph
from zoo.encoding import encode_json

KEPT_SCORES = 5
"""Most probabilities of one answer that a list of mistakes keeps."""
SEPARATOR = "|"
"""Between the labels in a cell of a table."""
_PLAIN = re.compile(r"[^|;\[({][^|;]*")
"""A label that is read as one where it stands between separators."""


class LabelSet(Answer, frozen=True, tag="label_set"):
    """The labels whose own probability reaches a threshold: several, one or none."""

    labels: tuple[str, ...]
    """Those given, the most probable first."""
    scores: tuple[Score, ...]
    """Probabilities of labels, each for itself, the most probable first; they do not add up to 1."""
    threshold: float
    """The probability from which on a label is given."""

    @classmethod
    def of(cls, scores: tuple[Score, ...], threshold: float, limit: int | None = None) -> Self:
        """The answer that scores make.

        Args:
            scores: of all labels, the most probable first.
            threshold: from which on a label is given.
            limit: most scores that are kept; the labels given stay the same.
        """
        labels = tuple(score.label for score in scores if score.probability >= threshold)
        ranked = scores if limit is None or limit >= len(scores) else scores[:limit]
        return cls(labels=labels, scores=ranked, threshold=threshold)

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The labels given, and the probabilities as bars."""
        text = ", ".join(self.labels) or f"no label reaches a probability of {self.threshold:.2f}"
        return (*heading(source), Paragraph(text=text), bars_of(self.scores))

    def cells(self) -> AnswerCells:
        """The labels, as `label_cell` writes them."""
        return AnswerCells(label_cell(self.labels))

    def as_target(self) -> tuple[str, ...]:
        """The labels given."""
        return tuple(sorted(self.labels))

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """Scores of labels of the model, and labels of it."""
        has_right_scores = ScoreCheck(labels)

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and is_whole_number_or_none(answer.truncated_at)
                and type(answer.threshold) is float
                and 0.0 <= answer.threshold <= 1.0
                and type(answer.labels) is tuple
                and all(type(label) is str and (not labels or label in labels) for label in answer.labels)
                and has_right_scores(answer.scores)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With probabilities and a threshold from 0 to 1, of labels of the model."""
        if not 0.0 <= self.threshold <= 1.0:
            raise InvalidAnswer(f"threshold {self.threshold}", "a threshold is a probability, from 0 to 1")
        unknown = next((label for label in self.labels if labels and label not in labels), None)
        if unknown is not None:
            raise InvalidAnswer(
                f"label {unknown!r}, which the model has not", "LabelSet.labels are labels of the model"
            )
        return msgspec.structs.replace(self, scores=checked_scores(self.scores, labels))

    def severity(self, target: Any) -> float | None:
        """How sure the model is of labels that are wrong and against those that are missing, added up."""
        wrong = set(self.labels).symmetric_difference(target)
        if not wrong:
            return None
        probability = {score.label: score.probability for score in self.scores}
        answered = set(self.labels)
        return sum(probability.get(one, 1.0) if one in answered else 1 - probability.get(one, 0.0) for one in wrong)

    def log_odds(self, target: Any) -> float | None:
        """Of these labels and no others, each for itself."""
        probability = self.numbers()
        if not probability.keys() >= set(target):
            return None
        shares = (one if label in target else 1 - one for label, one in probability.items())
        likely = sum(math.log(max(share, LEAST_PROBABILITY)) for share in shares)
        return log_odds(math.exp(likely), -math.expm1(likely))

    def numbers(self) -> dict[str, float]:
        """The probabilities by their labels."""
        return {score.label: score.probability for score in self.scores}

    def shortened(self) -> Self:
        """The labels given, and the largest probabilities."""
        return msgspec.structs.replace(self, scores=self.scores[:KEPT_SCORES])


def label_cell(labels: Sequence[str]) -> str:
    """Labels as a cell of a table has them: `|` between them; none, or such as hold a separator, as a list in JSON."""
    if labels and all(map(_PLAIN.fullmatch, labels)):
        return SEPARATOR.join(labels)
    return encode_json(list(labels)).decode()
