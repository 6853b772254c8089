"""Tests of several models on the same rows, pair by pair, with p-values that are corrected for the number of pairs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo import atomic
from zoo.metrics.intervals import FEWEST_RESAMPLES
from zoo.metrics.multiple import holm, stepped_down
from zoo.metrics.paired import Difference, drawn_difference, drawn_figures, paired_shares
from zoo.runs.paired_figure import AnsweredRows, PairedFigure

KEPT_EVERY_S = 10.0
"""That draws of the rows take between two times that they are kept."""


class PairedTest(NamedTuple):
    """Of two models."""

    difference: Difference
    corrected: float
    """Its p-value, corrected for the number of tests; not a number where there is none."""
    of_shares: bool
    """Whether it is the test of rows that are right or wrong, and not of draws of the rows."""


class _Drawn(msgspec.Struct, frozen=True):
    """Figures of draws, as they are kept."""

    metric: str
    rows: int
    of: dict[str, float]
    """The models, with the figure of all rows."""
    draws: int
    """That there are to be."""
    figures: list[list[float | None]]
    """Of each draw, of each model; None where it has none."""


class PairedTests:
    """Holds models against one another: by rows that are right or wrong, or by one series of draws for all of them.

    Args:
        figure: that is tested.
        rows: the same for all, as each answered them, by name.
        kept: file that keeps the draws for an attempt to come; None keeps none.
    """

    def __init__(self, figure: PairedFigure, rows: Mapping[str, AnsweredRows], kept: Path | None = None) -> None:
        self._figure, self._rows, self._kept = figure, rows, kept

    @property
    def names(self) -> tuple[str, ...]:
        """Of all of them."""
        return tuple(self._rows)

    @property
    def begun(self) -> bool:
        """Whether an attempt before has drawn for just these."""
        figures = {name: one.figure for name, one in self._rows.items() if math.isfinite(one.figure)}
        return bool(figures) and bool(self._known(figures).draws)

    @property
    def least_seconds(self) -> float:
        """That tests of all of them take: draws of the rows, if no more than are needed; 0 where nothing is drawn."""
        if self._of_shares:
            return 0.0
        begun = time.perf_counter()
        self._figure.value(next(iter(self._rows.values())).judged)
        return FEWEST_RESAMPLES * len(self._rows) * (time.perf_counter() - begun)

    @property
    def _of_shares(self) -> bool:
        """Whether all that have a figure have it of rows that are right or wrong."""
        return all(one.right is not None for one in self._rows.values() if math.isfinite(one.figure))

    def of(self, pairs: Sequence[tuple[str, str]]) -> list[PairedTest]:
        """The test of each pair of names."""
        of_shares = self._of_shares
        if of_shares:
            differences = [self._of_rows(*pair) for pair in pairs]
            corrected = holm([one.p for one in differences])
        else:
            differences, corrected = self._of_draws(pairs)
        return [PairedTest(difference, p, of_shares) for difference, p in zip(differences, corrected, strict=True)]

    def _of_rows(self, first: str, second: str) -> Difference:
        self._figure.check()  # of many pairs of many rows, which take minutes
        one, other = self._rows[first], self._rows[second]
        if one.right is None or other.right is None:
            return Difference(one.figure, other.figure, math.nan, math.nan)
        return paired_shares(one.right, other.right)

    def _of_draws(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[Difference], list[float]]:
        """Differences, and their p-values: of one alone that of its draws, of several never below it."""
        figures = {name: one.figure for name, one in self._rows.items()}
        names = [name for name, one in figures.items() if math.isfinite(one) and any(name in pair for pair in pairs)]
        drawn = dict(zip(names, zip(*self._drawn(names), strict=True), strict=True)) if len(names) > 1 else {}
        differences, of_draws = [], []
        for first, second in pairs:
            self._figure.check()
            known = first in drawn and second in drawn
            of_pair = [one - other for one, other in zip(drawn[first], drawn[second], strict=True)] if known else []
            differences.append(drawn_difference(figures[first], figures[second], of_pair))
            of_draws.append(of_pair)
        tested = [place for place, of_pair in enumerate(of_draws) if of_pair]
        corrected = [one.p for one in differences]
        if len(tested) > 1:
            observed = [differences[place].first - differences[place].second for place in tested]
            drawn_of = [of_draws[place] for place in tested]
            for place, p in zip(tested, stepped_down(observed, drawn_of, self._figure.check), strict=True):
                corrected[place] = corrected[place] if math.isnan(p) else max(corrected[place], p)
        return differences, corrected

    def _drawn(self, names: Sequence[str]) -> list[tuple[float, ...]]:
        """The figure of each of these models in each draw."""
        models = [self._rows[name] for name in names]
        kept = self._known({name: self._rows[name].figure for name in names})
        if not kept.draws:
            kept = msgspec.structs.replace(kept, draws=self._figure.draws(models[0], len(models)))
        figures = [tuple(math.nan if one is None else one for one in of_draw) for of_draw in kept.figures]
        answers, kept_at = [one.judged for one in models], time.monotonic()
        try:
            drawn = drawn_figures(answers, self._figure.value, kept.draws, self._figure.telling(), len(figures))
            for of_draw in drawn:
                figures.append(of_draw)
                if time.monotonic() - kept_at >= KEPT_EVERY_S:
                    self._keep(kept, figures)
                    kept_at = time.monotonic()
        finally:
            self._keep(kept, figures)
        return figures

    def _known(self, of: dict[str, float]) -> _Drawn:
        """What an earlier attempt has drawn of the same; without any draws where that is nothing."""
        nothing = _Drawn(self._figure.metric, len(self._rows[next(iter(of))].judged), of, 0, [])
        if self._kept is None or not self._kept.exists():
            return nothing
        known = msgspec.json.decode(self._kept.read_bytes(), type=_Drawn)
        return known if (known.metric, known.rows, known.of) == (nothing.metric, nothing.rows, of) else nothing

    def _keep(self, kept: _Drawn, figures: Sequence[Sequence[float]]) -> None:
        if self._kept is not None and figures:
            plain = [[one if math.isfinite(one) else None for one in of_draw] for of_draw in figures]
            atomic.write_bytes(self._kept, msgspec.json.encode(msgspec.structs.replace(kept, figures=plain)))
