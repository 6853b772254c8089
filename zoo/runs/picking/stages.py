"""One stage of one that takes part: it learns from a part of the rows, or all, and is judged by those that choose."""

from __future__ import annotations

import msgspec

from zoo.runs.candidate import Candidate
from zoo.runs.picking.entrant import ALL_ROWS, Entrant, Plan
from zoo.runs.picking.rows import PickRows
from zoo.runs.picking.scoring import Scoring, answered


def judged(entrant: Entrant, stage: str, number: int, plan: Plan, rows: PickRows, scoring: Scoring) -> Candidate:
    """Train one, let it answer, and keep what is known by then: of a part of the rows without its weights.

    Args:
        entrant: that takes part.
        stage: what its figure is of.
        number: of the rows that it learns from.
        plan: what fine-tuning it on all takes.
        rows: to learn from and to choose by.
        scoring: the figure that decides.

    Raises:
        Stopped: somebody asked for it; whatever else its plugin raises.
    """
    trained = entrant.trained(number, plan)
    taken = entrant.answered(trained, rows.data.eval)
    figures = scoring.of(answered(rows.data.eval, taken.answers))
    candidate = msgspec.structs.replace(entrant.measured(stage, number, trained, taken), **figures)
    entrant.keep(stage, candidate, taken.answers if stage == ALL_ROWS else None)
    if stage != ALL_ROWS:
        entrant.forget(trained)
    return candidate
