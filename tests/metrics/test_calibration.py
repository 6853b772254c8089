"""The calibration error, the temperature that makes it small, and labels that are left open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from zoo.answers import Classification, Score
from zoo.answers.classification import NOT_SURE
from zoo.card import Card
from zoo.data import load
from zoo.errors import DatasetInvalid, Unsupported
from zoo.metrics import ClassificationMetrics
from zoo.metrics.calibration import (
    confidence_bins,
    expected_calibration_error,
    fitted_temperature,
    log_tempered,
    reliability,
)
from zoo.runs.calibrating import CalibrationRows
from zoo.runs.calibration import Calibration, Finish
from zoo.tasks import get_task
from zoo.tasks.options import AbstainOptions, LabelOptions


def simulated(random: Any, rows: int, sharpness: float) -> tuple[Any, Any]:
    """Logarithms of probabilities that are too sure by that factor, and labels drawn from the true ones."""
    logs = log_tempered(random.normal(size=(rows, 4)) * 2, 1.0)
    shares = np.exp(logs)
    targets = (random.random((rows, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 3)
    return log_tempered(logs, 1 / sharpness), targets


def test_the_error_is_the_mean_distance_of_confidence_and_accuracy() -> None:
    # Two bins: four answers of 0.9 of which two are right, and one of 0.5 that is right.
    confidences, right = [0.9, 0.9, 0.9, 0.9, 0.5], [1, 1, 0, 0, 1]
    assert expected_calibration_error(confidences, right) == pytest.approx((4 * 0.4 + 1 * 0.5) / 5)
    assert [(1, 1), (4, 2)] == [(one.rows, one.right) for one in confidence_bins(confidences, right)]
    table = reliability(confidences, right)
    assert ("0.47 to 0.53", 0.5, 1.0) == table.rows[0][:3]
    assert ("0.87 to 0.93", pytest.approx(0.9), 0.5) == table.rows[1][:3]


def test_the_ends_of_confidence_are_in_a_bin() -> None:
    assert [(0, 1), (14, 1)] == [(round(one.low * 15), one.rows) for one in confidence_bins([0.0, 1.0], [0, 1])]


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_what_makes_a_model_too_sure(sharpness: float) -> None:
    logs, targets = simulated(np.random.default_rng(0), 20_000, sharpness)
    found = fitted_temperature(logs, targets)
    assert found == pytest.approx(sharpness, rel=0.05)
    calibrated = np.exp(log_tempered(logs, found))
    right = calibrated.argmax(axis=1) == targets
    assert expected_calibration_error(calibrated.max(axis=1), right) < 0.012


def test_rows_that_are_all_right_tell_no_temperature() -> None:
    logs = log_tempered(np.array([[2.0, 0.0], [0.0, 1.0]]), 1.0)
    assert fitted_temperature(logs, np.array([0, 1])) is None


def test_an_answer_takes_a_temperature_as_logits_do() -> None:
    logits = np.array([3.0, 1.0, -2.0])
    plain, soft = (np.exp(log_tempered(logits[None], one))[0] for one in (1.0, 2.0))
    answer = Classification(scores=tuple(map(Score, "abc", plain.tolist())))
    assert list(answer.tempered(2.0).numbers().values()) == pytest.approx(soft.tolist())
    assert list(answer.tempered(2.0).tempered(0.5).numbers().values()) == pytest.approx(plain.tolist())
    sure = Classification(scores=(Score("a", 1.0), Score("b", 0.0)))
    assert sure.tempered(3.0).label == "a"


@pytest.mark.parametrize(
    ("least", "likely", "cell"),
    [
        (0.5, ("a",), "a"),
        (0.2, ("a", "b"), "a|b"),
        (0.9, (), NOT_SURE),
        (0.0, ("a", "b", "c"), NOT_SURE),
    ],
)
def test_labels_are_left_open_from_a_probability_on(least: float, likely: tuple[str, ...], cell: str) -> None:
    answer = Classification(scores=(Score("a", 0.7), Score("b", 0.2), Score("c", 0.1))).left_open(least)
    assert (likely, cell) == (answer.likely, answer.cells().prediction)
    assert cell == answer.cut(1).cells().prediction
    assert (cell == NOT_SURE) == answer.not_sure
    assert (None if len(likely) != 1 else 0.7) == answer.cells().probability


def test_an_answer_that_nobody_asked_to_be_sure_is_written_as_before() -> None:
    answer = Classification(scores=(Score("a", 1.0),))
    assert b'{"type":"classification","scores":[{"label":"a","probability":1.0}]}' == msgspec.json.encode(answer)


def calibration(chances: Any) -> Calibration:
    return Calibration(
        temperature=1.0,
        fitted_rows=0,
        chances=tuple(sorted(chances, reverse=True)),
        ece_before=0.0,
        ece_after=0.0,
        data="",
        sha256="",
        weights="",
    )


@pytest.mark.parametrize("abstain", [0.05, 0.2])
def test_the_right_label_is_left_open_as_often_as_promised(abstain: float) -> None:
    random = np.random.default_rng(3)
    covered = []
    for _ in range(200):
        logs, targets = simulated(random, 300, 1.7)
        chances = np.exp(logs)[np.arange(300), targets]
        least = calibration(chances[:150].tolist()).least_probability("mine", abstain)
        covered.append(float((chances[150:] >= least).mean()))
    # On average at least 1 - abstain, and at most that plus 1 / (rows + 1)
    assert 1 - abstain - 0.005 <= np.mean(covered) <= 1 - abstain + 1 / 151 + 0.005


def test_a_share_too_small_for_the_rows_is_refused() -> None:
    few = calibration([0.5] * 19)
    assert 0.5 == few.least_probability("mine", 0.05)
    with pytest.raises(Unsupported, match=r"--abstain 0\.04 needs 24 rows .* mine was calibrated on 19") as refused:
        few.least_probability("mine", 0.04)
    assert "zoo evaluate mine --data FILE --calibrate" in refused.value.hint


def test_a_judge_counts_what_is_left_open() -> None:
    judge = ClassificationMetrics(["a", "b", "c"])
    answer = Classification(scores=(Score("a", 0.6), Score("b", 0.3), Score("c", 0.1)))
    for target, least in [("a", 0.5), ("b", 0.5), ("b", 0.2), ("c", 0.2), ("c", 0.9)]:
        judge.add(target, answer.left_open(least))
    figures = judge.compute()
    assert (2 / 5, 2 / 5, 1 / 2) == (figures["label_coverage"], figures["decided_share"], figures["decided_accuracy"])
    assert {"label_coverage", "decided_share", "decided_accuracy"} < judge.intervals().keys()
    sets = judge.detailed_report()[-1]
    assert "Sets" == sets.title
    assert [("0", 0.0, 1), ("1", 0.5, 2), ("2", 0.5, 2)] == [(row[0], row[1], row[-1]) for row in sets.rows]


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8, 0.9])
def test_of_equally_probable_answers_none_is_left_out(share: float) -> None:
    """As those of trees and of whole numbers are: nearly all of them stand just at the threshold."""
    logs = np.tile(np.log([share, 1 - share]), (100, 1))
    chances = np.exp(log_tempered(logs, 1.3))[np.arange(100), [0] * 97 + [1] * 3]
    mine = msgspec.structs.replace(calibration(chances.tolist()), temperature=1.3)
    finish = Finish(mine, AbstainOptions(abstain=0.05), "mine", 2)
    (given,) = finish([Classification(scores=(Score("a", share), Score("b", 1 - share)))])
    assert isinstance(given, Classification)
    assert ("a",) == given.likely


def test_where_no_number_of_labels_is_asked_for_there_are_as_many_as_usual() -> None:
    answer = Classification(scores=tuple(Score(str(one), 1 / 8) for one in range(8)))
    numbers = {
        (usual, top_k): len(Finish(calibration([0.5]), LabelOptions(top_k=top_k), "mine", 8, usual)([answer])[0].scores)  # type: ignore[union-attr]
        for usual in (None, 5)
        for top_k in (None, 2)
    }
    assert {(None, None): 8, (None, 2): 2, (5, None): 5, (5, 2): 2} == numbers


class Rows:
    """A table of inputs, and a model that answers them."""

    def __init__(self, path: Path, inputs: list[str]) -> None:
        path.write_text("text,label\n" + "".join(f"{one},{'ab'[i % 2]}\n" for i, one in enumerate(inputs)))
        self.dataset = load(path, get_task("text-classification"))
        self.card = Card(
            name="nobody",
            task="text-classification",
            family="none",
            summary="Nothing.",
            labels=("a", "b"),
            abilities=(),
        )
        self.counted = CalibrationRows(self.card, self.dataset)

    def answer(self, *scores: Score) -> None:
        self.counted.add(self.dataset.examples, [Classification(scores=scores)] * len(self.dataset.examples))


def test_an_answer_that_lacks_labels_calibrates_nothing(store: Path, tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.csv", [f"number {one}" for one in range(50)])
    with pytest.raises(Unsupported, match="nobody answers with 1 of its 2 labels"):
        rows.answer(Score("a", 0.9))


def test_inputs_that_repeat_leave_enough_rows_in_either_half(store: Path, tmp_path: Path) -> None:
    many = Rows(tmp_path / "many.csv", ["the same"] * 45 + ["one", "two"])
    many.answer(Score("a", 0.9), Score("b", 0.1))
    with pytest.raises(DatasetInvalid, match=r"repeats inputs: of its 47 rows 4\d must stay together"):
        many.counted.calibrate()
    some = Rows(tmp_path / "some.csv", ["the same"] * 30 + [f"number {one}" for one in range(60)])
    some.answer(Score("a", 0.9), Score("b", 0.1))
    assert min(map(len, some.counted._halves())) >= 30


def test_of_very_many_rows_some_are_looked_at(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.runs.calibrating.MOST_ROWS", 60)
    rows = Rows(tmp_path / "rows.csv", [f"number {one}" for one in range(200)])
    rows.answer(Score("a", 0.9), Score("b", 0.1))
    assert 60 == sum(map(len, rows.counted._halves()))
