"""Labels with probabilities: what several answers are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from zoo.answers.answer import InvalidAnswer
from zoo.blocks import Bar, Bars

ROUNDING = 1e-6
"""How far a probability may be beside 0 to 1, and one above the one before it, for rounding."""
SHOWN_LABELS = 120
"""Characters of a list of labels in a message."""


LEAST_PROBABILITY = 1e-38
"""That is told from 0: about the least in single precision."""


def log_odds(likely: float, unlikely: float) -> float:
    """Of an event with a probability, and of what happens otherwise, whose probability says more where it is small."""
    return math.log(max(likely, LEAST_PROBABILITY)) - math.log(max(unlikely, LEAST_PROBABILITY))


class Score(msgspec.Struct, frozen=True):
    """A label and how probable it is."""

    label: str
    probability: float
    """0 to 1."""


def bars_of(scores: Sequence[Score]) -> Bars:
    """The labels as bars."""
    return Bars(bars=tuple(Bar(score.label, score.probability) for score in scores))


class RankedScores(tuple[Score, ...]):
    """Scores of which `ranked` made sure; looking at each again would cost as much as making it did."""

    labels: tuple[str, ...]
    """What they were chosen from."""


def ranked(labels: tuple[str, ...], probabilities: Sequence[float], indices: Sequence[int]) -> tuple[Score, ...]:
    """Scores of one input, as `topk` gives them, in a fraction of the time that checking each would take.

    Args:
        labels: all that there are; the same tuple for every input.
        probabilities: Python's own numbers, the largest first.
        indices: of the label of each.
    """
    scores = map(Score, map(labels.__getitem__, indices), probabilities)
    total = sum(probabilities)  # a float where all parts are, and finite where they are
    if not (
        type(total) is float
        and math.isfinite(total)
        and probabilities[0] <= 1.0
        and probabilities[-1] >= 0.0
        and len(probabilities) == len(indices)
        and sorted(probabilities, reverse=True) == probabilities
    ):
        return tuple(scores)
    ranked = RankedScores(scores)
    ranked.labels = labels
    return ranked


class ScoreCheck:
    """Says at a glance whether scores are right as they stand: falling from 1 to 0, of labels that there are.

    Args:
        labels: those that there are; empty where any will do.
    """

    def __init__(self, labels: frozenset[str]) -> None:
        self._labels = labels
        self._ranked: tuple[str, ...] | None = None
        """Labels of ranked scores that are labels of the model."""

    def __call__(self, scores: Any) -> bool:
        """Whether they are."""
        if type(scores) is RankedScores:
            return scores.labels is self._ranked or self._knows(scores.labels)
        if type(scores) is not tuple or not scores:
            return False
        labels, before = self._labels, 1.0
        for score in scores:
            if type(score) is not Score:
                return False
            probability, label = score.probability, score.label
            if type(probability) is not float or type(label) is not str or not 0.0 <= probability <= before:
                return False
            if labels and label not in labels:
                return False
            before = probability
        return not labels or len({score.label for score in scores}) == len(scores)

    def _knows(self, labels: tuple[str, ...]) -> bool:
        if not all(type(label) is str for label in labels) or (self._labels and not self._labels.issuperset(labels)):
            return False
        self._ranked = labels
        return True


def checked_scores(scores: Sequence[Score], labels: frozenset[str]) -> tuple[Score, ...]:
    """The scores, their probabilities from 0 to 1.

    Args:
        scores: the most probable first.
        labels: those that there are; empty where any will do.

    Raises:
        InvalidAnswer: naming the first that is wrong.
    """
    if not scores:
        raise InvalidAnswer("no scores", "give one zoo.Score or more, the most probable first")
    before = 1.0
    for index, score in enumerate(scores):
        place = f"scores[{index}].probability {score.probability} of label {score.label!r}"
        if not -ROUNDING <= score.probability <= 1 + ROUNDING:
            raise InvalidAnswer(place, "a probability is a number from 0 to 1")
        if score.probability > before + ROUNDING:
            raise InvalidAnswer(f"{place}, after {before}", "the most probable label comes first")
        if labels and score.label not in labels:
            place = f"scores[{index}].label {score.label!r}, which the model has not"
            raise InvalidAnswer(place, f"its labels are {_listed(labels)}")
        before = score.probability
    names = [score.label for score in scores]
    if labels and (repeated := next((index for index, name in enumerate(names) if name in names[:index]), 0)):
        raise InvalidAnswer(f"scores[{repeated}].label {names[repeated]!r} again", "each label has one score")
    return tuple(Score(score.label, min(1.0, max(0.0, score.probability))) for score in scores)


def _listed(labels: frozenset[str]) -> str:
    text = ", ".join(sorted(labels))
    return text if len(text) <= SHOWN_LABELS else text[: SHOWN_LABELS - 1] + "…"
