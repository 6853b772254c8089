"""Which model is taken: paired tests of the finalists against the best, and the smaller where none tells them apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from zoo.pick_options import FLOOR
from zoo.runs.paired_figure import Judged, PairedFigure
from zoo.runs.paired_tests import PairedTest, PairedTests

ALPHA = 0.05
"""Of a test, corrected for the number of tests: what is below is no accident."""
MOST_SECONDS = 600.0
"""That drawing rows anew for all may take; where it takes longer, only those that may be taken are tested."""
MOST_TESTED = 100
"""Models of which all are tested; of more these, the best of them, and those that may be taken.

Tests are corrected for the pairs of those that are tested alone: of very many models this is a little less than was
looked at, as the same rows say which are the best.
"""


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
    def told_apart(self) -> bool:
        """Whether the test tells it from the best; also where one of them has no figure."""
        return math.isnan(self.drop) or self.p < ALPHA

    @property
    def tied(self) -> bool:
        """Whether it may be as good: no test tells them apart, and the interval of the drop reaches 0.

        The more models there are, the more a correction asks for, and of few rows the test alone would find nothing.
        """
        return not self.told_apart and not self.low > 0


class Verdict(NamedTuple):
    """What the tests come to."""

    best: str
    beside: dict[str, Beside]
    """All but the best, as far as they are tested."""
    chosen: str
    takes_long: bool = False
    """Whether that is why only those that may be taken are tested."""

    @property
    def tied(self) -> tuple[str, ...]:
        """The others that are as good, as far as it can be told."""
        return tuple(name for name, one in self.beside.items() if one.tied)


def judge_finalists(
    judged: Mapping[str, Sequence[Judged]],
    sizes: Mapping[str, float],
    figure: PairedFigure,
    ties: str,
    kept: Path | None = None,
) -> Verdict:
    """Hold models against the best of them.

    Args:
        judged: the same rows with the answers of each.
        sizes: of those that may be taken; others are only held against the best.
        figure: that decides.
        ties: `best` takes the best, everything else the smallest of those that are tied with it.
        kept: file that keeps draws of the rows for an attempt to come.
    """
    rows = {name: figure.of(of) for name, of in judged.items()}
    sign = 1 if figure.larger_is_better else -1
    ranked = sorted(rows, key=lambda name: _rank(sign * rows[name].figure), reverse=True)
    best = max(sizes, key=lambda name: (*_rank(sign * rows[name].figure), -sizes[name]))
    may_be_taken = {*sizes, FLOOR}
    near = {*ranked[:MOST_TESTED], *may_be_taken}
    tests, few = (
        PairedTests(figure, {name: of for name, of in rows.items() if name in some}, kept)
        for some in (near, may_be_taken)
    )
    # What an attempt before has begun goes on: how long a draw takes now is no reason to take another one.
    takes_long = len(few.names) < len(tests.names) and (
        few.begun or (tests.least_seconds > MOST_SECONDS and not tests.begun)
    )
    if takes_long:
        tests = few
    others = [name for name in tests.names if name != best]
    pairs = [(best, name) for name in others]
    # Of all pairs, as any might have been the best of these rows: else chance would make one of many equals worse.
    tested = tests.of([*pairs, *combinations(others, 2)])[: len(pairs)]
    beside = {name: _beside(one, sign) for name, one in zip(others, tested, strict=True)}
    tied = [best, *(name for name in others if name in sizes and beside[name].tied)]
    chosen = best if ties == "best" else min(tied, key=lambda name: (sizes[name], name != best))
    return Verdict(best, beside, chosen, takes_long)


def _rank(figure: float) -> tuple[bool, float]:
    """What has no figure is below all that have one."""
    return (True, figure) if math.isfinite(figure) else (False, 0.0)


def _beside(test: PairedTest, sign: int) -> Beside:
    first, second, *interval, _ = test.difference
    low, high = sorted(sign * end for end in interval)
    return Beside(sign * (first - second), low, high, test.corrected)
