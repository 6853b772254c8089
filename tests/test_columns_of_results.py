"""A result finds its inputs and labels in the columns that it was trained on."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import zoo as command
from zoo.cli.exit_codes import ExitCode
from zoo.runs.events import Noted

pytestmark = pytest.mark.slow

HERE = {"device": "cpu", "precision": "fp32"}
ROWS = [(f"good fine {i}", "praise", "other", "1") for i in range(10)] + [
    (f"bad {i}", "blame", "x", "2") for i in range(10)
]


def write(path: Path, *header: str) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *ROWS])
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Rows with two columns of usual names, which hold neither the text nor the label."""
    return write(tmp_path / "messages.csv", "Customer Message", "Topic", "text", "label")


@pytest.fixture
def model(echo: None, data: Path) -> str:
    run = zoo.finetune("echo", data, input="Customer Message", label="topic", name="topics", **HERE)
    return run.wait(progress=False).name


def test_the_same_columns_are_used_where_the_file_has_them(model: str, data: Path, tmp_path: Path) -> None:
    evaluated = zoo.evaluate(zoo.open_run(model), data, **HERE).wait(progress=False)
    columns = {"input": "Customer Message", "label": "Topic"}
    assert (columns, 1.0) == (evaluated.snapshot.columns, evaluated.metrics["accuracy"])
    assert ("blame", "praise") == evaluated.snapshot.labels
    again = zoo.finetune(model, data, name="again", **HERE).wait(progress=False)
    assert columns == again.model.card.columns

    zoo.predict_file(zoo.open_run(model), data, tmp_path / "answers.csv", **HERE).wait(progress=False)
    with (tmp_path / "answers.csv").open() as file:
        answers = list(csv.DictReader(file))
    assert [("good fine 0", "praise"), ("bad 9", "blame")] == [
        (a["input"], a["prediction"]) for a in (answers[0], answers[-1])
    ]
    assert "good fine 0" in command("predict", model, "--file", str(data), "--device", "cpu").stdout
    assert (
        "input from 'Customer Message', label from 'Topic'"
        in command("data", "inspect", str(data), "--model", model).stdout
    )
    assert "input 'Customer Message', label 'Topic'" in command("show", model).stdout


def test_other_columns_can_be_named(model: str, data: Path) -> None:
    evaluated = zoo.finetune(model, data, input="text", label="label", **HERE).wait(progress=False)
    assert {"input": "text", "label": "label"} == evaluated.snapshot.columns


def test_a_file_without_them_is_read_by_the_usual_names_and_that_is_said(model: str, tmp_path: Path) -> None:
    other = write(tmp_path / "other.csv", "review", "intent", "a", "b")
    run = zoo.evaluate(model, other, **HERE).wait(progress=False)
    notes = [
        f"{other} has no column Customer Message, which the model was trained on; column review is used",
        f"{other} has no column Topic, which the model was trained on; column intent is used",
    ]
    assert notes == [event.message for event in run.events() if isinstance(event, Noted)]
    assert notes[0] in command("predict", model, "--file", str(other), "--device", "cpu").stderr.splitlines()


def test_a_file_with_neither_names_both(model: str, tmp_path: Path) -> None:
    other = write(tmp_path / "other.csv", "a", "b", "c", "d")
    done = command("evaluate", model, "--data", str(other), "--device", "cpu")
    assert ExitCode.DATA == done.returncode
    assert (
        "has no column Customer Message, which the model was trained on, and none that is usually the text (text, "
    ) in done.stderr
