"""A vector that stands for an input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading, is_whole_number_or_none
from zoo.blocks import Block, Vector


class Embedding(Answer, frozen=True, tag="embedding"):
    """A vector that stands for the whole input."""

    vector: tuple[float, ...]
    """Shape (embed_dim,)."""

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The numbers."""
        return (*heading(source), Vector(numbers=self.vector))

    def cells(self) -> AnswerCells:
        """The numbers, blanks between them."""
        return AnswerCells(" ".join(f"{number:.6g}" for number in self.vector))

    def numbers(self) -> dict[str, float]:
        """The numbers by their place."""
        return {str(place): number for place, number in enumerate(self.vector)}

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """Numbers whose sum is finite: a sum that is not has a part that is not."""

        def is_right(answer: Any) -> bool:
            if type(answer) is not cls or type(answer.vector) is not tuple or not answer.vector:
                return False
            if not is_whole_number_or_none(answer.truncated_at):
                return False
            total: object = sum(answer.vector) if type(answer.vector[0]) is float else None
            return type(total) is float and math.isfinite(total)

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """Of finite numbers, one at least."""
        if not self.vector:
            raise InvalidAnswer("an empty vector", "Embedding.vector has a number for each dimension")
        for index, number in enumerate(self.vector):
            if not math.isfinite(number):
                raise InvalidAnswer(f"vector[{index}] {number}", "the numbers of a vector are finite")
        return self
