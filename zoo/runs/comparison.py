"""Whether two forms of a model answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zoo.answers import Prediction, Rejected
from zoo.plurals import counted

LIMIT = 1e-3
"""By how much a number may differ where both compute in float32: of one larger than 1, by that share of it."""


class Comparison(NamedTuple):
    """Of the answers to the same inputs."""

    answers: int
    changed: int
    """Those that differ by more than `LIMIT`, or say something else where they have no numbers."""
    largest: float
    """Difference of two numbers."""

    @property
    def agrees(self) -> bool:
        """Whether none has changed."""
        return not self.changed

    def __str__(self) -> str:
        return (
            f"{counted(self.answers, 'answer')} compared with zoo's own: {self.changed} changed, "
            f"the largest difference is {self.largest:.2g} (at most {LIMIT:g} is allowed)"
        )


def compared(before: Sequence[Prediction], now: Sequence[Prediction]) -> Comparison:
    """Hold the answers of one form against those of another.

    Args:
        before: those that are right.
        now: to the same inputs, in the same order.
    """
    differences = [_difference(one, other) for one, other in zip(before, now, strict=True)]
    changed = sum(not one <= LIMIT for one in differences)  # what is no number has changed
    return Comparison(len(differences), changed, max(differences, default=0.0))


def _difference(one: Prediction, other: Prediction) -> float:
    """By how much two answers differ; 1 where they say different things and have no numbers."""
    if isinstance(one, Rejected) or isinstance(other, Rejected):
        return float(type(one) is not type(other))
    first, second = one.numbers(), other.numbers()
    if not first and not second:
        return float(one.cells().prediction != other.cells().prediction)
    return max(
        abs(first.get(name, 0.0) - second.get(name, 0.0)) / max(1.0, abs(first.get(name, 0.0)))
        for name in {**first, **second}
    )
