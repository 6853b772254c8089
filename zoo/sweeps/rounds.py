"""How many trainings a sweep has, and how long each is."""

from __future__ import annotations

from fractions import Fraction

from zoo.options import parse
from zoo.runs.picking.rounds import rounds_of
from zoo.runs.request import RunRequest, StudentRequest
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


def measured_trial(request: RunRequest) -> StudentRequest:
    """The trial that tells most of the length of all: one that no option makes shorter, if there is one.

    Args:
        request: of a sweep.
    """
    return min(request.students, key=lambda trial: tuple(end is not None for end in _ends(trial)))


def lengths_of(request: RunRequest, steps: int, epochs: float) -> list[float]:
    """How many steps each trial takes on all rows, in those of the measured one, as far as options say it.

    Args:
        request: of a sweep.
        steps: of the measured trial.
        epochs: likewise.
    """
    usual = [steps] if not any(_ends(measured_trial(request))) else []
    lengths = []
    for most, passes in map(_ends, request.students):
        ends = ([steps * passes / epochs] if epochs else []) if passes else usual
        lengths.append(min([*ends, *([most] if most else [])], default=steps) / steps if steps else 1.0)
    return lengths


def _ends(trial: StudentRequest) -> tuple[int | None, float | None]:
    """The most steps, and passes over the rows, as far as options say it."""
    options = trial.training.options
    return options.get("max_steps"), options.get("epochs")
