"""The figure that decides, where a judge does not say beforehand which figures it gives."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import zoo
from zoo.errors import NoSuchFigure
from zoo.metrics import ClassificationMetrics
from zoo.runs.candidate import Candidate
from zoo.runs.picking.scoring import Scoring
from zoo.tasks import get_task

ALIKE, APART = ("yes", "yes"), ("yes", "no")


class Terse(ClassificationMetrics):
    """Gives `macro_f1` of answers that are not all alike alone."""

    FIGURES = ()

    def compute(self) -> dict[str, float]:
        figures = super().compute()
        return figures if figures["accuracy"] == 1 else {"accuracy": figures["accuracy"]}


def scored(metric: str, *answers: tuple[str, ...], judge: type = Terse) -> tuple[Scoring, list[Candidate]]:
    """What is known of those that have answered so."""
    task = msgspec.structs.replace(get_task("text-classification"), judge=f"{judge.__module__}:{judge.__name__}")
    scoring = Scoring(task, ("no", "yes"), metric, lambda: None, lambda message: None)
    candidates = []
    for number, said in enumerate(answers):
        judged: list[Any] = [
            (label, zoo.Classification((zoo.Score(one, 1.0),))) for label, one in zip(APART, said, strict=True)
        ]
        candidates.append(Candidate(name=str(number), **scoring.of(judged)))
    return scoring, candidates


def test_one_that_lacks_the_figure_counts_as_the_worst() -> None:
    scoring, candidates = scored("macro_f1", ALIKE, APART, ALIKE)
    assert [one.figure for one in candidates] == [None, 1.0, None]
    for known in (candidates[:1], candidates, candidates[1:]):
        scoring.check(known)


@pytest.mark.parametrize("metric", ["macrof1", "macro_f1"])
def test_what_two_have_not_is_no_figure(metric: str) -> None:
    scoring, candidates = scored(metric, ALIKE, ALIKE)
    scoring.check(candidates[:1])
    with pytest.raises(NoSuchFigure, match=f"--metric is '{metric}', but answers to .* are judged by accuracy"):
        scoring.check(candidates)
    again, _ = scored(metric)  # as in another attempt, which has judged nothing itself
    with pytest.raises(NoSuchFigure):
        again.check(candidates)


@pytest.mark.parametrize(("metric", "judge"), [("", Terse), ("accuracy", Terse), ("ece", ClassificationMetrics)])
def test_figures_that_are_known_are_never_in_doubt(metric: str, judge: type) -> None:
    scoring, candidates = scored(metric, ALIKE, ALIKE, judge=judge)
    scoring.check([msgspec.structs.replace(one, figure=None) for one in candidates])
