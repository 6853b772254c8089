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
            shares += [Fraction(one.rows(rows), rows)] * left
            left = one.kept
    return shares + [Fraction(1)] * left


def lengths_of(request: RunRequest, steps: int, epochs: float) -> list[float]:
    """How many steps each trial takes on all rows, in those of the first, as far as options say it.

    Args:
        request: of a sweep.
        steps: of the first trial.
        epochs: likewise.
    """
    lengths = []
    for trial in request.students:
        of_trial = trial.training.options
        passes, most = of_trial.get("epochs"), of_trial.get("max_steps")
        ends = ([steps * passes / epochs] if passes and epochs else []) + ([most] if most else [])
        lengths.append(min(ends) / steps if ends and steps else 1.0)
    return lengths
