"""What trials cost, and which of them may still be taken: those that no other beats at both cost and figure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zoo.runs.candidate import Candidate


def cost(trial: Candidate) -> tuple[float, float]:
    """Bytes of its weights, then rows that its training went through: the same whenever it is trained."""
    return trial.size_bytes, trial.rows_learnt


def undominated(trials: Sequence[Candidate], *, larger_is_better: bool) -> list[Candidate]:
    """Those that no other trial beats, the cheapest first; of those that are alike the earliest.

    One that is beaten by what it costs and by its figure stays beaten, whatever trials come: its weights can go.

    Args:
        trials: that have learnt all rows.
        larger_is_better: whether larger figures are.
    """
    kept: list[Candidate] = []
    for trial in sorted(trials, key=lambda one: (cost(one), -_merit(one, larger_is_better))):
        if not kept or _merit(trial, larger_is_better) > _merit(kept[-1], larger_is_better):
            kept.append(trial)
    return kept


def _merit(trial: Candidate, larger_is_better: bool) -> float:
    """Its figure, the better the larger; below all others where it has none."""
    figure = trial.figure
    if figure is None or not math.isfinite(figure):
        return -math.inf
    return figure if larger_is_better else -figure
