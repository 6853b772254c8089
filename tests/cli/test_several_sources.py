"""A run that learns from several sources, as each command shows it: its log is that of one that has ended."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import zoo
from tests.test_catalog import write_result
from zoo.blocks import Table
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs import store
from zoo.runs.events import (
    DataLoaded,
    EvaluationCompleted,
    ExampleRejected,
    RunFinished,
    RunLaunched,
    RunPlanned,
    RunStarted,
    StepCompleted,
)
from zoo.runs.log import append
from zoo.runs.overview import overview
from zoo.runs.request import DataRequest, RunRequest, SourceRequest
from zoo.runs.source_facts import SourcePlanned, SourceResult, SourceStep

TASKS = {"sentiment": "text-classification", "names": "token-classification"}
SOURCES = tuple(
    SourceRequest(name=name, verb="finetune", task=task, data=DataRequest(path=f"/{name}.csv"))
    for name, task in TASKS.items()
)
PLANNED = RunPlanned(
    steps=100,
    epochs=2,
    batch_size=8,
    micro_batch_size=8,
    parameters=9,
    trainable_parameters=9,
    lr=5e-5,
    sources=(
        SourcePlanned(name="sentiment", task=TASKS["sentiment"], rows=300, eval_rows=30, batch_size=8, epochs=1),
        SourcePlanned(name="names", task=TASKS["names"], rows=20, eval_rows=2, batch_size=8, epochs=5, weight=0.5),
    ),
)
STEP = StepCompleted(
    at=time.time() + 5,
    step=50,
    steps=100,
    epoch=1,
    loss=0.5,
    lr=1e-5,
    grad_norm=1,
    samples_per_s=8,
    sources=(SourceStep("sentiment", 0.5, 0.25), SourceStep("names", 2.5, None)),
)
RESULTS = (
    SourceResult(
        name="sentiment",
        task=TASKS["sentiment"],
        metrics={"accuracy": 0.75},
        best_step=50,
        best_metrics={"accuracy": 0.8},
    ),
    SourceResult(
        name="names", task=TASKS["names"], metrics={"span_f1": 0.5}, best_step=100, best_metrics={"span_f1": 0.5}
    ),
)


EVENTS = (
    RunLaunched(),
    RunStarted(pid=1, device="cpu", precision="fp32"),
    DataLoaded(train_rows=301, eval_rows=30, labels=("good", "bad"), source="sentiment"),
    DataLoaded(train_rows=20, eval_rows=2, source="names"),
    ExampleRejected(file="sentiment.csv", row=3, reason="empty", total=1, train_rows=1, source="sentiment"),
    PLANNED,
    STEP,
    EvaluationCompleted(step=50, metrics={"accuracy": 0.75, "loss": 0.5}, rows=30, best=True, source="sentiment"),
    EvaluationCompleted(step=50, metrics={"span_f1": 0.5, "loss": 0.7}, rows=2, best=True, source="names"),
    RunFinished(
        metrics={"sentiment.accuracy": 0.75, "names.span_f1": 0.5},
        step=100,
        best_step=50,
        sources=RESULTS,
        report=(Table(title="names: Types", headers=("type", "F1"), rows=(("person", 0.5),)),),
    ),
)


@pytest.fixture
def run() -> zoo.Run:
    request = RunRequest(
        name="joint",
        verb="finetune",
        model="echo/echo",
        plugin="echo",
        task=SOURCES[0].task,
        data=SOURCES[0].data,
        sources=SOURCES,
    )
    folder = store.create(request)
    for event in EVENTS:
        append(folder, event)
    return zoo.open_run("joint")


def test_watching_names_the_source_of_everything(run: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "joint"]) == ExitCode.OK
    answer, talk = capsys.readouterr()

    for line in (
        "data of sentiment: 301 rows to train on, 30 held out",
        "labels of sentiment: good, bad",
        "data of names: 20 rows to train on, 2 held out",
        "1 row of sentiment rejected (300 left to train on, 30 held out), first sentiment.csv row 3: empty",
        "plan of sentiment: text-classification, 1 epoch of 300 rows, 75% of all examples, weight 1",
        "plan of names: token-classification, 5 epochs of 20 rows, 25% of all examples, weight 0.5",
        "step     50  sentiment: accuracy 0.7500  loss 0.5000  best so far over all",
        "step     50  names: span_f1 0.5000  loss 0.7000  best so far over all",
        'next:  zoo predict joint.sentiment "some text"',
        'next:  zoo predict joint.names "some text"',
    ):
        assert line in talk.splitlines()
    assert [line.split() for line in answer.splitlines()] == [
        ["Sources"],
        ["source", "task", "metric", "value", "best", "step", "of", "its", "own", "value", "there"],
        ["sentiment", "text-classification", "accuracy", "0.750", "50", "0.800"],
        ["names", "token-classification", "span_f1", "0.500", "100", "0.500"],
        [],
        ["names:", "Types"],
        ["type", "F1"],
        ["person", "0.500"],
    ]


def test_lists_have_the_main_figure_of_each(run: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == ExitCode.OK
    assert "sentiment.accuracy 0.75, names.span_f1 0.5" in capsys.readouterr().out
    assert main(["runs", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)[0]["sources"] == ["sentiment", "names"]


def test_logs_have_how_far_each_is(run: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "joint"]) == ExitCode.OK
    history = capsys.readouterr().out

    assert "finetune of echo/echo on sentiment /sentiment.csv, names /names.csv" in history
    assert "sentiment epoch 0.5 loss 0.2500; names epoch 2.5" in history
    assert "best at step 50: sentiment.accuracy 0.7500  names.span_f1 0.5000" in history


def test_a_notebook_has_the_same_table(run: zoo.Run) -> None:
    _, table, *_ = overview(run.folder.request, run.snapshot)

    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["sentiment", "names"]


def test_a_result_is_shown_with_the_best_step_of_each(
    run: zoo.Run, echo: None, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = [{"name": name, "verb": "finetune", "task": task} for name, task in TASKS.items()]
    write_result(store, "joint", plugin="echo", base="echo", heads=heads)
    assert main(["show", "joint"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "sentiment  text-classification   accuracy  0.750                    50        0.800" in shown
    titles = ["sentiment: loss 0.25 names: loss", "sentiment: accuracy 0.75 names: span_f1 0.5"]
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert [line for line in lines if line in titles] == titles
    assert ["names: Types", "type F1", "person 0.500"] == lines[-3:]

    assert main(["show", "joint", "--json"]) == ExitCode.OK
    curves = json.loads(capsys.readouterr().out)["curves"]
    assert [(one["source"], one["metric"], one["rows"]) for one in curves] == [
        ("sentiment", "loss", "training"),
        ("sentiment", "accuracy", "held out"),
        ("names", "span_f1", "held out"),
    ]
    assert [one["points"][-1] for one in curves if one["source"] == "sentiment"] == [[50, 0.25], [50, 0.75]]


def test_a_head_is_shown_with_what_was_learnt_of_its_source(
    run: zoo.Run, echo: None, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = [{"name": name, "verb": "finetune", "task": TASKS["names"]} for name in ("names", "names-best", "older")]
    write_result(store, "joint", plugin="echo", base="echo", heads=heads)
    assert main(["show", "joint.names"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "span_f1 on held-out rows  0.5" in shown
    assert "Types" in shown
    assert "sentiment" not in shown
    assert main(["show", "joint.names", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["name"] == "joint.names"
    assert [(one["source"], one["metric"]) for one in document["curves"]] == [("names", "span_f1")]
    assert run.snapshot.sources[1].report == (Table(title="Types", headers=("type", "F1"), rows=(("person", 0.5),)),)

    assert main(["show", "joint.names-best"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "span_f1 on held-out rows" in shown
    assert "Types" not in shown  # it is of another step
    assert main(["show", "joint.older"]) == ExitCode.OK
    assert "held-out rows" not in capsys.readouterr().out
