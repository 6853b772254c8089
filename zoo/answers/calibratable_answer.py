"""What an answer has that can be calibrated, beside what every answer has."""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable


@runtime_checkable
class CalibratableAnswer(Protocol):
    """One of several labels, which is what its target is (`Task.calibratable`).

    Its `numbers()` are the probabilities of the labels: of all of them where nothing was cut off, and they add up to 1.
    """

    def numbers(self) -> dict[str, float]:
        """The probabilities by their labels."""
        ...

    def tempered(self, temperature: float) -> Self:
        """The answer with its probabilities flattened by a temperature above 1, or sharpened by one below."""
        ...

    def left_open(self, least: float) -> Self:
        """The answer that leaves open which of the labels it is whose probability is at least this."""
        ...

    def cut(self, count: int) -> Self:
        """The answer with so many probabilities at most."""
        ...
