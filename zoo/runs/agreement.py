"""Whether two forms of a model answer alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from zoo.answers import Prediction, Rejected
from zoo.plurals import counted

LIMIT = 1e-3
"""By how much a number may differ where both compute in float32: of one larger than 1, by that share of it."""


class Agreement(NamedTuple):
    """Of the answers to the same inputs."""

    answers: int
    changed: int
    """Those that differ by more than `LIMIT`."""
    largest: float
    """Difference of two answers."""
    without_numbers: int = 0
    """Answers of which there was none to compare: those that are texts, and those that find nothing."""

    @property
    def agrees(self) -> bool:
        """Whether none has changed."""
        return not self.changed

    def __str__(self) -> str:
        without = f"; {self.without_numbers} of them had no numbers to compare" if self.without_numbers else ""
        return (
            f"{counted(self.answers, 'answer')} compared with zoo's own: {self.changed} changed, "
            f"the largest difference is {self.largest:.2g} (at most {LIMIT:g} is allowed){without}"
        )


def agreement_of(before: Sequence[Prediction], now: Sequence[Prediction]) -> Agreement:
    """Hold the answers of one form against those of another.

    Args:
        before: those that are right.
        now: to the same inputs, in the same order.
    """
    differences = [difference(one, other) for one, other in zip(before, now, strict=True)]
    changed = sum(one > LIMIT for one in differences)
    without_numbers = sum(not (_numbers(one) or _numbers(other)) for one, other in zip(before, now, strict=True))
    return Agreement(len(differences), changed, max(differences, default=0.0), without_numbers)


def _numbers(answer: Prediction) -> dict[str, float]:
    return {} if isinstance(answer, Rejected) else answer.numbers()


def difference(one: Prediction, other: Prediction, *, of_common: bool = False) -> float:
    """By how much two answers to the same input differ: the largest difference of their numbers, or the share of what
    they say without numbers.

    Args:
        one: answer; of its numbers that are larger than 1, the difference is a share.
        other: answer.
        of_common: whether only those numbers count that both have, such as those of the most probable labels.

    Returns:
        Infinity where a number of one of them is none.
    """
    if isinstance(one, Rejected) or isinstance(other, Rejected) or type(one) is not type(other):
        return float(type(one) is not type(other))
    first, second = one.numbers(), other.numbers()
    common = first.keys() & second.keys()
    if of_common and not common and (first or second):
        return float(one.cells().prediction != other.cells().prediction)
    differences = [
        abs(first.get(name, 0.0) - second.get(name, 0.0)) / max(1.0, abs(first.get(name, 0.0)))
        for name in (common if of_common else first.keys() | second.keys())
    ]
    return max([one.otherwise(other), *differences]) if all(map(math.isfinite, differences)) else math.inf
