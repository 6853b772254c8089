"""Runs and models beside one another: figures, tests of their differences, rows, settings, cost."""

from __future__ import annotations

from zoo.comparison.answering import Listener
from zoo.comparison.comparing import NOT_ASKED, compare_models, compare_records
from zoo.comparison.result import ComparedModel, Comparison, Cost, DifferingRow, Figure, PairTest, Setting

__all__ = [
    "NOT_ASKED",
    "ComparedModel",
    "Comparison",
    "Cost",
    "DifferingRow",
    "Figure",
    "Listener",
    "PairTest",
    "Setting",
    "compare_models",
    "compare_records",
]
