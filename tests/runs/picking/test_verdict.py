"""Which of the finalists is taken."""

from __future__ import annotations

import math

import pytest

import zoo
from zoo.metrics import ClassificationMetrics
from zoo.runs.paired_figure import PairedFigure
from zoo.runs.picking.verdict import judge_finalists
from zoo.tasks import get_task

LABELS = ("no", "yes")


def answered(right: int, rows: int = 100) -> list[tuple[str, zoo.Classification]]:
    said = ["yes"] * right + ["no"] * (rows - right)
    return [("yes", zoo.Classification((zoo.Score(label, 1.0),))) for label in said]


def verdict_of(rights: dict[str, int], sizes: dict[str, float], ties: str = "smaller"):  # type: ignore[no-untyped-def]
    judged = {name: answered(right) for name, right in rights.items()}
    figure = PairedFigure(get_task("text-classification"), LABELS, "", next(iter(judged.values())))
    return judge_finalists(judged, sizes, figure, ties)


def test_of_those_that_are_tied_the_smaller_is_taken() -> None:
    verdict = verdict_of({"large": 90, "small": 88, "worse": 40}, {"large": 9.0, "small": 3.0, "worse": 1.0})
    assert verdict.best == "large"
    assert verdict.tied == ("small",)
    assert verdict.chosen == "small"
    assert verdict.beside["worse"].p < 0.05
    assert verdict.beside["small"].drop > 0
    assert verdict_of({"large": 90, "small": 88}, {"large": 9.0, "small": 3.0}, ties="best").chosen == "large"


def test_what_has_no_figure_is_taken_neither_for_the_best_nor_for_tied(monkeypatch: pytest.MonkeyPatch) -> None:
    def figure(judge: ClassificationMetrics, name: str) -> float:
        accuracy = judge.compute()["accuracy"]
        return accuracy if accuracy > 0.5 else math.nan

    monkeypatch.setattr("zoo.runs.paired_figure.figure_of", figure)
    verdict = verdict_of({"lost": 40, "best": 90, "small": 88}, {"lost": 1.0, "best": 9.0, "small": 3.0})
    assert (verdict.best, verdict.tied, verdict.chosen) == ("best", ("small",), "small")
    assert math.isnan(verdict.beside["lost"].drop)


def test_what_is_only_held_against_the_others_is_not_taken() -> None:
    verdict = verdict_of({"network": 60, "floor": 99}, {"network": 5.0})
    assert verdict.chosen == verdict.best == "network"
    assert verdict.beside["floor"].drop < 0
