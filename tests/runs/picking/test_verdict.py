"""Which of the finalists is taken."""

from __future__ import annotations

import math
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import zoo
from zoo.metrics import ClassificationMetrics
from zoo.runs.candidate import Candidate
from zoo.runs.paired_figure import PairedFigure
from zoo.runs.picking.final import Final
from zoo.runs.picking.scoring import Scoring
from zoo.runs.picking.verdict import Beside, Verdict, judge_finalists
from zoo.tasks import get_task

LABELS = ("no", "yes")


def answered(right: int, rows: int = 100) -> list[tuple[str, zoo.Classification]]:
    said = ["yes"] * right + ["no"] * (rows - right)
    return [("yes", zoo.Classification((zoo.Score(label, 1.0),))) for label in said]


def guessed(right: float, seed: int, rows: int = 120) -> list[tuple[str, zoo.Classification]]:
    """Rows of two labels, of which such a share is answered right."""
    draw = random.Random(seed)
    judged = []
    for row in range(rows):
        label, other = LABELS[row % 2], LABELS[1 - row % 2]
        said = label if draw.random() < right else other
        judged.append((label, zoo.Classification((zoo.Score(said, 1.0),))))
    return judged


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


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.runs.paired_figure.draws_of", lambda rows: 200)


@pytest.mark.usefixtures("few_draws")
def test_of_many_one_that_guesses_is_not_taken_for_its_cost() -> None:
    judged = {f"trial-{n}": guessed(0.9, n) for n in range(1, 13)} | {"cheap": guessed(0.5, 13)}
    sizes = {"cheap": 1.0} | dict.fromkeys(judged, 2.0)
    sizes["cheap"] = 1.0
    figure = PairedFigure(get_task("text-classification"), LABELS, "macro_f1", judged["cheap"])
    verdict = judge_finalists(judged, sizes, figure, "cheaper")
    assert verdict.beside["cheap"].p < 0.05, "of twelve tests by two hundred draws, which Holm's steps could not tell"
    assert verdict.chosen != "cheap"
    assert sum(not one.told_apart for one in verdict.beside.values()) > 8
    assert all(one.p <= 1 for one in verdict.beside.values())


@pytest.mark.slow
def test_of_equals_none_is_told_to_be_worse_though_the_best_is_chosen_by_the_same_rows() -> None:
    told = 0
    for draw in range(20):
        judged = {f"trial-{n}": guessed(0.7, 100 * draw + n, 300) for n in range(20)}
        figure = PairedFigure(get_task("text-classification"), LABELS, "accuracy", judged["trial-0"])
        verdict = judge_finalists(judged, dict.fromkeys(judged, 1.0), figure, "cheaper")
        told += any(one.told_apart for one in verdict.beside.values())
    assert told <= 1  # 6 of these 20, were the best tested as if it had been named before


def test_of_few_rows_one_that_is_far_behind_is_not_taken_for_its_cost_though_no_test_tells_among_many() -> None:
    judged = {f"trial-{n}": answered(20, 20) for n in range(1, 20)} | {"cheap": answered(8, 20)}
    figure = PairedFigure(get_task("text-classification"), LABELS, "accuracy", judged["cheap"])
    verdict = judge_finalists(judged, dict.fromkeys(judged, 2.0) | {"cheap": 1.0}, figure, "cheaper")
    assert not verdict.beside["cheap"].told_apart
    assert verdict.chosen != "cheap"
    assert len(verdict.tied) == 18


def test_what_is_better_is_known_before_anything_is_judged() -> None:
    def scoring(metric: str) -> Scoring:
        return Scoring(get_task("text-regression"), (), metric, lambda: None, lambda message: None)

    assert scoring("spearman").larger_is_better
    assert not scoring("").larger_is_better


@pytest.mark.usefixtures("few_draws")
def test_where_drawing_takes_too_long_only_those_that_may_be_taken_are_tested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zoo.runs.picking.verdict.MOST_SECONDS", 0.0)
    judged = {name: guessed(0.9, seed) for seed, name in enumerate(("best", "beaten", "other", "floor"))}
    figure = PairedFigure(get_task("text-classification"), LABELS, "macro_f1", judged["best"])
    verdict = judge_finalists(judged, {"best": 2.0, "other": 1.0}, figure, "cheaper")
    assert {verdict.best, *verdict.beside} == {"best", "other", "floor"}


def test_of_very_many_the_best_are_tested_and_those_that_may_be_taken() -> None:
    judged = {f"trial-{n}": answered(90 - n // 2, 100) for n in range(120)} | {"cheap": answered(20, 100)}
    figure = PairedFigure(get_task("text-classification"), LABELS, "accuracy", judged["cheap"])
    verdict = judge_finalists(judged, {"trial-0": 2.0, "cheap": 1.0}, figure, "cheaper")
    assert {verdict.best, *verdict.beside} == {*(f"trial-{n}" for n in range(100)), "cheap"}
    assert (verdict.chosen, verdict.takes_long) == ("trial-0", False)


def test_one_trial_more_than_are_tested_changes_no_test_by_much() -> None:
    tests = []
    for trials in (99, 100):
        judged = {f"trial-{n}": answered(90, 100) for n in range(trials)} | {"cheap": answered(73, 100)}
        figure = PairedFigure(get_task("text-classification"), LABELS, "accuracy", judged["cheap"])
        verdict = judge_finalists(judged, {"trial-0": 2.0, "cheap": 1.0}, figure, "cheaper")
        tests.append(verdict.beside["cheap"].p)
        assert verdict.chosen == "trial-0"
    assert tests[1] == pytest.approx(tests[0], rel=0.05)


def test_tests_of_many_pairs_can_be_stopped() -> None:
    def stop() -> None:
        nonlocal looks
        looks += 1
        if looks > 1000:
            raise InterruptedError

    looks = 0
    judged = {f"trial-{n}": answered(90 - n % 7, 20) for n in range(30)}
    figure = PairedFigure(get_task("text-classification"), LABELS, "accuracy", judged["trial-0"], stop)
    with pytest.raises(InterruptedError):
        judge_finalists(judged, dict.fromkeys(judged, 1.0), figure, "cheaper")


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("slow_at_first", [False, True])
def test_which_are_tested_does_not_change_when_drawing_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, slow_at_first: bool
) -> None:
    judged = {name: guessed(0.9, seed) for seed, name in enumerate(("best", "beaten", "other", "floor"))}
    figure = PairedFigure(get_task("text-classification"), LABELS, "macro_f1", judged["best"])

    def tested(*, slow: bool, attempt: str) -> set[str]:
        monkeypatch.setattr("zoo.runs.picking.verdict.MOST_SECONDS", 0.0 if slow else math.inf)
        verdict = judge_finalists(judged, {"best": 2.0, "other": 1.0}, figure, "cheaper", tmp_path / attempt)
        return {verdict.best, *verdict.beside}

    begun = tested(slow=slow_at_first, attempt="one")
    assert begun == tested(slow=not slow_at_first, attempt="one")
    assert begun != tested(slow=not slow_at_first, attempt="two")


@pytest.mark.usefixtures("few_draws")
def test_draws_are_kept_for_an_attempt_to_come(tmp_path: Path) -> None:
    judged = {"one": guessed(0.9, 1), "two": guessed(0.88, 2), "three": guessed(0.6, 3)}
    sizes, kept = {"one": 3.0, "two": 2.0, "three": 1.0}, tmp_path / "draws.json"

    def verdict(path: Path | None, most: float = math.inf) -> tuple[Verdict, int]:
        found = 0

        def count() -> None:
            nonlocal found
            found += 1
            if found > most:
                raise KeyboardInterrupt

        figure = PairedFigure(get_task("text-classification"), LABELS, "macro_f1", judged["one"], count)
        return judge_finalists(judged, sizes, figure, "cheaper", path), found

    whole, figures = verdict(None)
    with pytest.raises(KeyboardInterrupt):
        verdict(kept, figures - 3 * 50)
    again, left = verdict(kept)
    assert again == whole
    assert figures - left >= 3 * 149, "what was drawn before was not drawn again"


def test_why_one_is_not_taken_is_said() -> None:
    tied, worse = Beside(0.01, -0.1, 0.1, 0.9), Beside(0.5, 0.4, 0.6, 0.001)
    nothing: Any = None
    field: Any = SimpleNamespace(candidates={name: Candidate(name=name) for name in ("best", "cheap", "beaten")})
    rows: Any = SimpleNamespace(data=SimpleNamespace(eval=range(40)))
    final = Final(nothing, nothing, rows, field, nothing, "cheaper")
    costs = {"cheap": 0.0, "best": 1.0}
    verdict = Verdict("best", {"cheap": tied, "beaten": tied, "far": worse, "floor": tied}, "cheap")
    assert final._why_not(verdict, "best", costs) == "as good as what is taken, but dearer"
    assert final._why_not(verdict, "beaten", costs) == "tied, but another costs no more and does at least as well"
    assert final._why_not(verdict, "far", costs) == "worse"
    assert final._why_not(verdict, "untested", costs) == "another costs no more and does at least as well"
    on = "by accuracy on 40 rows that chose"
    words = f"best and cheap are tied {on}: no test tells them apart; the cheaper is taken, cheap"
    assert final._words(verdict, costs, "accuracy") == words
    alone = Verdict("best", {"cheap": worse, "beaten": tied, "floor": tied}, "best")
    beaten = "no test tells beaten from it, but another costs no more and does at least as well"
    assert final._words(alone, costs, "accuracy") == f"best is taken: it is the best {on}; {beaten}"
    best = Final(nothing, nothing, rows, field, nothing, "best")
    assert best._why_not(verdict, "cheap", costs) == "tied, but not the best"
