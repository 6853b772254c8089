"""Who trains when: a function of the seed and the number of the round alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from zoo.hyperparameters import FederationOptions
from zoo.training.seeding import mix


class Turn(NamedTuple):
    """A client trains in a round."""

    round: int
    """1-based."""
    client: int
    first: int
    """1-based step of its own that it begins with: those of a round in which it is not drawn are left out."""
    steps: int
    begin: int
    """Steps of the whole run before it."""

    @property
    def last(self) -> int:
        """Step of its own that it ends with."""
        return self.first + self.steps - 1

    @property
    def end(self) -> int:
        """Steps of the whole run after it."""
        return self.begin + self.steps


def all_rounds(
    federation: FederationOptions, seed: int, steps: Sequence[int], draw: Callable[[int], Sequence[int]] | None = None
) -> list[list[Turn]]:
    """The turns of each round that has any, in order.

    Args:
        federation: how many rounds there are, and which share of the clients has a turn in each.
        seed: of the run.
        steps: that each client takes in a round.
        draw: the clients of a 1-based round; by the seed if not given.
    """
    rounds: list[list[Turn]] = []
    begin = 0
    for number in range(1, federation.rounds + 1):
        turns = []
        for client in draw(number) if draw else drawn(len(steps), federation.share, seed, number):
            turns.append(Turn(number, client, (number - 1) * steps[client] + 1, steps[client], begin))
            begin += steps[client]
        if turns:
            rounds.append(turns)
    return rounds


def drawn(clients: int, share: float, seed: int, number: int) -> list[int]:
    """The clients of a 1-based round.

    Args:
        clients: how many there are.
        share: of them.
        seed: of the run.
        number: of the round.
    """
    count = max(1, round(share * clients))
    return sorted(random.Random(mix(seed, number)).sample(range(clients), count))  # noqa: S311  (no secret)
