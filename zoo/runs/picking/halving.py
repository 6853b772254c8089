"""Rounds of successive halving: those that are left learn from a part of the rows, and the better half goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.plurals import counted
from zoo.runs.candidate import Candidate
from zoo.runs.picking.entrant import Entrant, Plan
from zoo.runs.picking.field import Field
from zoo.runs.picking.rounds import Round, best
from zoo.runs.picking.rows import PickRows
from zoo.runs.picking.scoring import Scoring
from zoo.runs.picking.stages import judged


class Halving:
    """What becomes of a field in rounds.

    Args:
        field: those that take part.
        rows: that they learn from, and that choose.
        scoring: the figure that decides.
    """

    def __init__(self, field: Field, rows: PickRows, scoring: Scoring) -> None:
        self._field, self._rows, self._scoring = field, rows, scoring

    def halve(self, one: Round, plans: Mapping[str, Plan]) -> None:
        """Fine-tune those that are left for a short while; the better half goes on."""
        rows = one.rows(len(self._rows.data.train))
        for entrant in self._field:
            if candidate := entrant.known(one.words) or self._judged(entrant, one, rows, plans):
                self._field.report(candidate)
                self._scoring.check(self._field.candidates.values())
        self.keep(self.figures(), one.kept, "others learn more of them")

    def figures(self) -> dict[str, float | None]:
        """The latest of each that takes part."""
        return {one.name: self._field.candidates[one.name].figure for one in self._field}

    def keep(self, figures: Mapping[str, float | None], kept: int, reason: str, *, always: Sequence[str] = ()) -> None:
        """Let the best go on."""
        larger_is_better = self._scoring.larger_is_better
        self._field.keep(best(figures, kept, larger_is_better=larger_is_better, always=always), reason)

    def _judged(self, entrant: Entrant, one: Round, rows: int, plans: Mapping[str, Plan]) -> Candidate | None:
        """What it has learnt by then; None where it fails."""
        self._field.note(f"{entrant.name} learns from {counted(rows, 'row')}, {one.words}")
        with self._field.trying(entrant.name):
            return judged(entrant, one.words, rows, plans[entrant.name], self._rows, self._scoring)
        return None
