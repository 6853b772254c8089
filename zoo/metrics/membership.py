"""How well an attack tells the rows that a model learnt from apart from others, and how sure that is.

Membership inference: each row gets a score, the higher the more it looks learnt, and an attack takes all rows above a
threshold for members (Yeom et al. 2018, arXiv:1709.01604; Carlini et al. 2022, arXiv:2112.03570).
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from itertools import groupby
from typing import NamedTuple

from zoo.metrics.intervals import SEED, middle
from zoo.metrics.paired import draws_of

ALARMS = 0.01
"""Share of the others that an attack may take for members where it has to be sure."""
FEWEST_SURE = round(1 / ALARMS)
"""Others, of whom that share is one at least."""
LEAST_VARIANCE = 1e-6
"""Of the log odds of a row among models that have learnt it, or have not."""


class Figures(NamedTuple):
    """Of an attack; by chance they are 0, 0.5 and `ALARMS`."""

    advantage: float
    """Share of the members that are found less that of the others that are taken for members."""
    auc: float
    """Probability that a member has a higher score than another row."""
    found: float
    """Share of the members that are found where `ALARMS` of the others are taken for members."""


CHANCE = Figures(0.0, 0.5, ALARMS)


class Attack(NamedTuple):
    """What an attack comes to, with 95% intervals."""

    figures: Figures
    low: Figures
    high: Figures

    @property
    def finds_members(self) -> bool:
        """Whether chance is below the interval of its AUC, which needs no threshold."""
        return self.low.auc > CHANCE.auc

    @property
    def is_reversed(self) -> bool:
        """Whether others look more like members than members do: both are not drawn from the same source."""
        return self.high.auc < CHANCE.auc


class _Row(NamedTuple):
    score: float
    is_member: bool
    unit: Hashable
    half: int
    """0 or 1. What is taken for a member in one half is settled by the other: a threshold chosen on the rows that it is
    judged by would find members where there is nothing to find."""


def judge_attack(
    members: Sequence[float],
    others: Sequence[float],
    on_draw: Callable[[int, int], None] = lambda done, draws: None,
    units: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
) -> Attack:
    """Figures of an attack, with the intervals of a bootstrap that draws members and others anew, each for themselves.

    Rows of one unit are drawn together: those of a person, and those with the same input, say little beside each other.

    Args:
        members: their scores.
        others: likewise.
        on_draw: told before each draw how many are done, and how many there are in all; may raise.
        units: of the members and of the others; None where each row is one.
    """
    draw = random.Random(SEED)  # noqa: S311  (statistics)
    of_members, of_others = units or (range(len(members)), range(len(others)))
    rows = [*_halved(members, of_members, True, draw), *_halved(others, of_others, False, draw)]
    rows.sort(key=lambda row: -row.score)
    sides = [_places(rows, is_member) for is_member in (True, False)]
    draws = draws_of(len(rows))
    drawn: list[Figures] = []
    for done in range(draws):
        on_draw(done, draws)
        counts = [0] * len(rows)
        for side in sides:
            for places in draw.choices(side, k=len(side)):
                for place in places:
                    counts[place] += 1
        drawn.append(_figures(rows, counts))
    intervals = [middle(values) for values in zip(*drawn, strict=True)]
    return Attack(
        _figures(rows, [1] * len(rows)),
        Figures(*(interval.low for interval in intervals)),
        Figures(*(interval.high for interval in intervals)),
    )


def _halved(scores: Sequence[float], units: Sequence[Hashable], is_member: bool, draw: random.Random) -> list[_Row]:
    """Rows of one unit in the same half."""
    known = list(dict.fromkeys(units))
    order = draw.sample(range(len(known)), len(known))
    half = {known[place]: number % 2 for number, place in enumerate(order)}
    return [_Row(score, is_member, unit, half[unit]) for score, unit in zip(scores, units, strict=True)]


def _places(rows: Sequence[_Row], is_member: bool) -> list[list[int]]:
    """Of the rows of each unit on one side."""
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.is_member is is_member:
            places[row.unit].append(place)
    return list(places.values())


def _figures(rows: Sequence[_Row], counts: Sequence[int]) -> Figures:
    """Of rows in the order of their scores, the highest first, each as often as it was drawn."""
    totals = [[0, 0], [0, 0]]  # [half][is_member]
    for row, count in zip(rows, counts, strict=True):
        totals[row.half][row.is_member] += count
    others, members = (totals[0][kind] + totals[1][kind] for kind in (False, True))
    taken = [[0, 0], [0, 0]]
    advantages: tuple[list[float], list[float]] = ([0.0], [0.0])
    area = found = 0.0
    pairs = zip(rows, counts, strict=True)
    for _, group in groupby(pairs, key=lambda pair: pair[0].score):
        before = taken[0][True] + taken[1][True], taken[0][False] + taken[1][False]
        for row, count in group:
            taken[row.half][row.is_member] += count
        found_members, alarms = (taken[0][kind] + taken[1][kind] for kind in (True, False))
        area += (alarms - before[1]) * (found_members + before[0]) / 2
        if alarms * FEWEST_SURE < others:  # one fewer than are allowed: the threshold is chosen on these
            found = found_members / members
        for half in (0, 1):
            hits, misses = (taken[half][kind] / (totals[half][kind] or 1) for kind in (True, False))
            advantages[half].append(hits - misses)
    best = [max(range(len(curve)), key=curve.__getitem__) for curve in advantages]
    advantage = (advantages[0][best[1]] + advantages[1][best[0]]) / 2
    return Figures(advantage, area / (members * others), found)


def most_by_privacy(epsilon: float, delta: float) -> Figures:
    """What no attack on a model exceeds that learnt with differential privacy, whatever it knows of the other rows.

    With it, an attack that takes a share `a` of the others for members finds at most `e^epsilon a + delta` of the
    members, and at most `1 - e^-epsilon (1 - delta - a)` (Kairouz et al. 2015, arXiv:1311.0776, theorem 2.1).

    Args:
        epsilon: that was spent.
        delta: with it.
    """
    ratio = math.exp(epsilon)
    turn = (1 - delta) / (1 + ratio)  # where both bounds meet, and members are missed as often as others are taken
    missed = (1 - delta) * turn - ratio * turn**2 / 2 + (1 - delta - turn) ** 2 / (2 * ratio)
    found = min(1.0, ratio * ALARMS + delta, 1 - (1 - delta - ALARMS) / ratio)
    return Figures(1 - 2 * turn, 1 - missed, found)


class Shadowed(NamedTuple):
    """The log odds that models give to what the data say of a row."""

    target: float
    """Of the model that is attacked."""
    inside: Sequence[float]
    """Of shadows that learnt from the row."""
    outside: Sequence[float]
    """Of those that did not."""


def likelihood_ratios(rows: Sequence[Shadowed]) -> list[float]:
    """How much likelier the log odds of each row are if the model learnt from it: LiRA (Carlini et al. 2022, section
    V), whose variance is that of all rows, as few shadows tell little of one.

    Args:
        rows: each with two shadows at least on either side.
    """
    inside = _variance([row.inside for row in rows])
    outside = _variance([row.outside for row in rows])
    return [
        _log_density(row.target, row.inside, inside) - _log_density(row.target, row.outside, outside) for row in rows
    ]


def _variance(samples: Sequence[Sequence[float]]) -> float:
    """Within the rows."""
    squares = sum((value - _mean(sample)) ** 2 for sample in samples for value in sample)
    return max(LEAST_VARIANCE, squares / max(1, sum(len(sample) - 1 for sample in samples)))


def _log_density(value: float, sample: Sequence[float], variance: float) -> float:
    """Of a normal distribution whose mean is known from a few values only."""
    spread = variance * (1 + 1 / len(sample))
    return -((value - _mean(sample)) ** 2) / (2 * spread) - math.log(spread) / 2


def _mean(sample: Sequence[float]) -> float:
    return sum(sample) / len(sample)
