"""Whose turn it is: which sources a step learns from, as a function of the step alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from zoo.hyperparameters import MixingOptions

ANNEALING = 0.8
"""By how much the exponent of the rows falls in the course of an annealed run."""


class Turn(NamedTuple):
    """A source has a batch in a step."""

    source: int
    number: int
    """1-based: how many batches of the source there have been, this one included."""


class Turns(Protocol):
    """From a 1-based step to the sources that it learns from."""

    def __call__(self, step: int) -> Sequence[Turn]: ...

    def batches(self, step: int) -> Sequence[int]:
        """How many batches of each source there have been after a step."""
        ...


class Together:
    """Every step has a batch of each source.

    Args:
        sources: how many there are.
    """

    def __init__(self, sources: int) -> None:
        self._sources = range(sources)

    def __call__(self, step: int) -> list[Turn]:
        """All of them."""
        return [Turn(source, step) for source in self._sources]

    def batches(self, step: int) -> list[int]:
        """One of each source a step."""
        return [step for _ in self._sources]


class InTurn:
    """Every step has a batch of one source: of that which is furthest behind its share of the steps.

    Args:
        shares: of the steps, from a 1-based step; their sum is 1.
    """

    def __init__(self, shares: Callable[[int], Sequence[float]]) -> None:
        self._shares = shares
        self._turns: list[Turn] = []
        self._behind = [0.0] * len(shares(1))
        self._numbers = [0] * len(self._behind)

    def __call__(self, step: int) -> list[Turn]:
        """One of them."""
        while len(self._turns) < step:
            shares = self._shares(len(self._turns) + 1)
            self._behind = [behind + share for behind, share in zip(self._behind, shares, strict=True)]
            source = max(range(len(shares)), key=self._behind.__getitem__)
            self._behind[source] -= 1
            self._numbers[source] += 1
            self._turns.append(Turn(source, self._numbers[source]))
        return [self._turns[step - 1]]

    def batches(self, step: int) -> list[int]:
        """By counting."""
        if step:
            self(step)
        sources = [turn.source for turn in self._turns[:step]]
        return [sources.count(source) for source in range(len(self._numbers))]


def sampling_shares(rows: Sequence[int], mixing: MixingOptions, progress: float = 0.0) -> list[float]:
    """How much of a run each source has: rows to the power of an exponent, divided by the sum of these.

    The exponent is 1 / temperature (Raffel et al. 2020, arXiv:1910.10683, section 3.5.2), 1 or 0; or it falls from 1 to
    0.2 in the course of the run (Stickland and Murray 2019, arXiv:1902.02671, section 3).

    Args:
        rows: of each source.
        mixing: says which.
        progress: share of the steps that are done, for the last of these.
    """
    exponents = {
        "temperature": 1 / mixing.sampling_temperature,
        "proportional": 1.0,
        "equal": 0.0,
        "annealed": 1 - ANNEALING * progress,
    }
    powers = [count ** exponents[mixing.sampling] for count in rows]
    return [power / sum(powers) for power in powers]
