"""Rows that a model answers wrongly are listed, worst first, and their texts stay in the run's folder."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from tests.runs.test_hooks import Install, install, trained
from zoo.errors import OptionInvalid
from zoo.runs.mistakes import MistakeLog

__all__ = ["install"]
Finetune = Callable[..., zoo.Run]
CPU = {"device": "cpu", "precision": "fp32"}
WRONG = [(2, "negative", "good fine good fine"), (5, "positive", "bad awful,\n bad"), (3, "negative", "fine, good")]
"""Row, label and text, in the order in which a counting model is sure of the other label."""


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """Five rows that a model of the rows of the other fixture answers wrongly but for two."""
    path = tmp_path / "judged.csv"
    texts = {row: (text, label) for row, label, text in WRONG} | {1: ("good", "positive"), 4: ("bad", "negative")}
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *(texts[row] for row in sorted(texts))])
    return path


def listed(run: zoo.Run) -> list[tuple[int, str, str]]:
    return [(mistake.row, mistake.label, mistake.input) for mistake in run.mistakes]


@pytest.mark.slow
def test_an_evaluation_lists_them_the_most_confident_first(words: str, judged: Path) -> None:
    run = zoo.evaluate(words, judged, **CPU).wait()
    assert listed(run) == WRONG
    assert run.snapshot.wrong_rows == len(WRONG)
    assert [mistake.prediction.label for mistake in run.mistakes] == ["positive", "negative", "positive"]
    certainties = [mistake.prediction.probability for mistake in run.mistakes]
    assert certainties == sorted(certainties, reverse=True)
    assert "awful" not in run.folder.events_path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wrong.csv", "wrong.tsv", "wrong.jsonl"])
def test_they_are_written_where_one_likes(name: str, words: str, judged: Path, tmp_path: Path) -> None:
    out = tmp_path / name
    run = zoo.evaluate(words, judged, errors=out, **CPU).wait()
    if out.suffix == ".jsonl":
        assert out.read_bytes() == run.folder.mistakes_path.read_bytes()
    else:
        with out.open(newline="") as file:
            table = list(csv.DictReader(file, delimiter="," if out.suffix == ".csv" else "\t"))
        assert [(int(line["row"]), line["label"], line["input"]) for line in table] == WRONG
        assert [line["prediction"] for line in table] == ["positive", "negative", "positive"]


@pytest.mark.slow
def test_a_model_that_is_always_right_leaves_an_empty_list(words: str, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "none.csv"
    run = zoo.evaluate(words, rows, errors=out, **CPU).wait()
    assert run.mistakes == ()
    assert out.read_text() == "row,label,input,prediction,probability,rejected\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("judged.csv", "judged.csv exists already"),
        ("none/wrong.csv", "there is no folder"),
        ("wrong.xlsx", "--errors .*wrong.xlsx ends in .xlsx"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_in_front(
    name: str, message: str, words: str, judged: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionInvalid, match=message):
        zoo.evaluate(words, judged, errors=tmp_path / name, **CPU)
    with pytest.raises(OptionInvalid, match="--errors is -, which is stdout, but a run writes a file"):
        zoo.evaluate(words, judged, errors="-", **CPU)
    assert [run.name for run in zoo.list_runs()] == ["words"]


@pytest.mark.slow
def test_a_training_lists_those_of_the_rows_held_out(finetune: Finetune, judged: Path) -> None:
    run = finetune(name="mine", eval_data=judged).wait()
    assert listed(run) == WRONG
    assert run.snapshot.wrong_rows == len(WRONG)
    assert not any("awful" in path.read_text() for path in run.folder.model_folder.glob("*.md"))


def test_a_result_that_cannot_answer_is_a_result_all_the_same(install: Install, rows: Path) -> None:
    install(answers="raise_(LookupError('out of order'))")
    run = trained(rows)
    assert run.status == "finished"
    assert run.mistakes == ()
    assert "out of order" in run.snapshot.warnings[-1]
    assert "wrongly could not be listed" in run.snapshot.warnings[-1]


def test_a_table_of_them_has_target_and_prediction_in_one_form(tmp_path: Path) -> None:
    answer = zoo.LabelSet(
        labels=("late", "broken"), scores=(zoo.Score("late", 0.9), zoo.Score("broken", 0.6)), threshold=0.5
    )
    log = MistakeLog(zoo.LABELS)
    log.add([zoo.Example("torn", ("broken", "rude"), 2), zoo.Example("fine", (), 3)], [answer, answer])
    log.write(tmp_path / "wrong.csv")
    assert (tmp_path / "wrong.csv").read_text().splitlines()[1:] == [
        "2,broken|rude,torn,late|broken,,",
        "3,[],fine,late|broken,,",
    ]
