"""What the word counter learns and answers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from zoo_echo.plugin import WordCounts

import zoo

COUNTS = {"delivery": {"parcel": 2, "late": 1}, "refund": {"money": 2, "back": 2}}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A store of its own, and no other plugin."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("ZOO_PLUGINS", "echo")


def test_probabilities_are_those_of_naive_bayes() -> None:
    (answer,) = WordCounts(COUNTS).predict(["Parcel late"])
    delivery, refund = (3 / 7) * (2 / 7), (1 / 8) * (1 / 8)  # four words in all, each counted once more
    assert isinstance(answer, zoo.Classification)
    assert "delivery" == answer.label
    assert answer.probability == pytest.approx(delivery / (delivery + refund))


def test_what_is_no_text_is_rejected_in_its_place() -> None:
    answers = WordCounts(COUNTS).predict(["money", " ", 3, "parcel"])
    assert ["classification", "rejected", "rejected", "classification"] == [
        type(answer).__struct_config__.tag for answer in answers
    ]


def test_a_text_of_ten_thousand_words_is_answered() -> None:
    (answer,) = WordCounts(COUNTS).predict(["parcel " * 10_000])
    assert isinstance(answer, zoo.Classification)
    assert answer.probability == pytest.approx(1.0)
    assert all(math.isfinite(score.probability) for score in answer.scores)


@pytest.mark.slow
def test_a_run_counts_and_the_result_answers(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"parcel {i},delivery\nmoney {i},refund\n" for i in range(10)))
    run = zoo.finetune("echo", rows, device="cpu", precision="fp32").wait(timeout_s=60, progress=False)
    counts = json.loads((run.folder.model_folder / "counts.json").read_text())
    assert 18 == sum(count for words in counts.values() for word, count in words.items() if word in ("parcel", "money"))
    model = zoo.load(run.name, device="cpu", precision="fp32")
    assert ["refund", "delivery"] == [answer.label for answer in model.predict(["money", "parcel"])]


@pytest.mark.slow
def test_without_rows_held_out_no_step_is_the_best(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"parcel {i},delivery\nmoney {i},refund\n" for i in range(10)))
    run = zoo.finetune("echo", rows, device="cpu", precision="fp32", eval_share=0).wait(timeout_s=60, progress=False)
    assert ({}, None) == (run.snapshot.metrics, run.snapshot.best_step)
