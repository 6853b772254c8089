"""Which model is taken: paired tests of the finalists against the best, and the smaller where none tells them apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zoo.metrics.paired import Difference, holm
from zoo.runs.paired_figure import Judged, PairedFigure

ALPHA = 0.05
"""Of a test, corrected for the number of tests: what is below is no accident."""


class Beside(NamedTuple):
    """Of a model, beside the best of them."""

    drop: float
    """Of the figure, above 0 where it is worse; not a number where the answers of one of them have no figure."""
    low: float
    """Of the 95% interval of the drop."""
    high: float
    p: float
    """Corrected; not a number where there is no test."""

    @property
    def tied(self) -> bool:
        """Whether the test does not tell them apart; not where one of them has no figure."""
        return not math.isnan(self.drop) and (math.isnan(self.p) or self.p >= ALPHA)


class Verdict(NamedTuple):
    """What the tests come to."""

    best: str
    beside: dict[str, Beside]
    """All but the best."""
    chosen: str

    @property
    def tied(self) -> tuple[str, ...]:
        """The others that are as good, as far as it can be told."""
        return tuple(name for name, one in self.beside.items() if one.tied)


def judge_finalists(
    judged: Mapping[str, Sequence[Judged]], sizes: Mapping[str, float], figure: PairedFigure, ties: str
) -> Verdict:
    """Hold models against the best of them.

    Args:
        judged: the same rows with the answers of each.
        sizes: of those that may be taken; others are only held against the best.
        figure: that decides.
        ties: `smaller` takes the smallest of those that are tied with the best, `best` the best.
    """
    rows = {name: figure.of(of) for name, of in judged.items()}
    sign = 1 if figure.larger_is_better else -1
    best = max(sizes, key=lambda name: (*_rank(sign * rows[name].figure), -sizes[name]))
    others = [name for name in judged if name != best]
    differences = [figure.difference(rows[best], rows[name]) for name in others]
    corrected = holm([one.p for one in differences])
    beside = {name: _beside(one, p, sign) for name, one, p in zip(others, differences, corrected, strict=True)}
    tied = [best, *(name for name in others if name in sizes and beside[name].tied)]
    chosen = best if ties == "best" else min(tied, key=lambda name: (sizes[name], name != best))
    return Verdict(best, beside, chosen)


def _rank(figure: float) -> tuple[bool, float]:
    """What has no figure is below all that have one."""
    return (True, figure) if math.isfinite(figure) else (False, 0.0)


def _beside(difference: Difference, p: float, sign: int) -> Beside:
    low, high = sorted((sign * difference.low, sign * difference.high))
    return Beside(sign * (difference.first - difference.second), low, high, p)
