"""Labels with probabilities: what several answers are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from zoo.answers.answer import InvalidAnswer
from zoo.blocks import Bar, Bars

ROUNDING = 1e-6
"""How far a probability may be beside 0 to 1, and one above the one before it, for rounding."""
SHOWN_LABELS = 120
"""Characters of a list of labels in a message."""


class Score(msgspec.Struct, frozen=True):
    """A label and how probable it is."""

    label: str
    probability: float
    """0 to 1."""


def bars_of(scores: Sequence[Score]) -> Bars:
    """The labels as bars."""
    return Bars(bars=tuple(Bar(score.label, score.probability) for score in scores))


def are_right(scores: Any, labels: frozenset[str]) -> bool:
    """Whether scores are right as they stand: Python's own numbers from 0 to 1, falling, of known labels."""
    if type(scores) is not tuple or not scores:
        return False
    before = 1.0
    for score in scores:
        if type(score) is not Score:
            return False
        probability, label = score.probability, score.label
        if type(probability) is not float or type(label) is not str or not 0.0 <= probability <= before:
            return False
        if labels and label not in labels:
            return False
        before = probability
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
        found = f"scores[{index}].probability {score.probability} of label {score.label!r}"
        if not -ROUNDING <= score.probability <= 1 + ROUNDING:
            raise InvalidAnswer(found, "a probability is a number from 0 to 1")
        if score.probability > before + ROUNDING:
            raise InvalidAnswer(f"{found}, after {before}", "the most probable label comes first")
        if labels and score.label not in labels:
            found = f"scores[{index}].label {score.label!r}, which the model has not"
            raise InvalidAnswer(found, f"its labels are {_listed(labels)}")
        before = score.probability
    return tuple(Score(score.label, min(1.0, max(0.0, score.probability))) for score in scores)


def _listed(labels: frozenset[str]) -> str:
    text = ", ".join(sorted(labels))
    return text if len(text) <= SHOWN_LABELS else text[: SHOWN_LABELS - 1] + "…"
