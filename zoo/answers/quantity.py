"""One number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading, is_whole_number_or_none
from zoo.blocks import Block, Paragraph
from zoo.units import plain_number


class Quantity(Answer, frozen=True, tag="quantity"):
    """A number, in the unit of the data that the model learnt from."""

    value: float

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The number."""
        return (*heading(source), Paragraph(text=plain_number(self.value)))

    def cells(self) -> AnswerCells:
        """The number."""
        return AnswerCells(plain_number(self.value))

    def as_target(self) -> float:
        """The number."""
        return self.value

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """A finite number of Python's own."""

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and type(answer.value) is float
                and math.isfinite(answer.value)
                and is_whole_number_or_none(answer.truncated_at)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """With a finite number."""
        if not math.isfinite(self.value):
            raise InvalidAnswer(f"value {self.value}", "Quantity.value is a finite number")
        return self

    def severity(self, target: Any) -> float | None:
        """How far off it is."""
        return abs(self.value - target) or None
