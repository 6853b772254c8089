"""How many trainings a sweep has, and how long each is."""

from __future__ import annotations

from fractions import Fraction

from zoo.options import parse
from zoo.runs.picking.rounds import rounds_of
from zoo.runs.request import RunRequest
from zoo.sweep_options import SweepOptions


def trainings_of(request: RunRequest, rows: int) -> list[Fraction]:
    """The share of the rows that each of its trainings learns from, as far as no trial fails.

    Args:
        request: of a sweep.
        rows: that there are to learn from.
    """
    options, left = parse(SweepOptions, request.sweeping), len(request.students)
    shares: list[Fraction] = []
    if options.strategy == "halving":
        for one in rounds_of(left, options.finalists, rows):
            shares += [one.share] * left
            left = one.kept
    return shares + [Fraction(1)] * left
