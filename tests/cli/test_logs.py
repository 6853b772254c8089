"""`zoo logs`: the history of a run from its events, with times; what the worker printed where it failed."""

from __future__ import annotations

import json
import time

import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs import store
from zoo.runs.events import (
    AnyEvent,
    CheckpointSaved,
    DataLoaded,
    EvaluationCompleted,
    Noted,
    PredictionsWritten,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunLaunched,
    RunPlanned,
    RunStarted,
    StepCompleted,
    Warned,
    WeightsFetched,
)
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest, RunVerb

BEGAN = time.mktime((2026, 3, 1, 23, 59, 50, 0, 0, -1))
STARTED = (RunLaunched(at=BEGAN), RunStarted(at=BEGAN + 1, pid=1, device="cpu", precision="fp32"))
PLANNED = RunPlanned(
    at=BEGAN + 3, steps=100, epochs=2, batch_size=8, micro_batch_size=8, parameters=9, trainable_parameters=9, lr=5e-5
)


def ended_run(verb: RunVerb, *events: AnyEvent, printed: str = "") -> zoo.Run:
    """A run whose worker has left these events and words, and is gone."""
    data = DataRequest(path="/data.csv")
    request = RunRequest(
        name="done",
        verb=verb,
        model="echo/echo",
        plugin="echo",
        task="text-classification",
        data=data,
        out="/answers.jsonl" if verb == "predict" else "",
    )
    folder = store.create(request)
    for event in events:
        append(folder, event)
    folder.log_path.write_text(printed)
    return zoo.open_run("done")


def step(number: int) -> StepCompleted:
    """One of a hundred steps, a second each."""
    return StepCompleted(
        at=BEGAN + 3 + number,
        step=number,
        steps=100,
        epoch=number / 50,
        loss=0.5,
        lr=1e-5,
        grad_norm=1,
        samples_per_s=8,
    )


def logs(capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
    assert main(["logs", "done", *flags]) == ExitCode.OK
    return capsys.readouterr().out.splitlines()


def test_a_training_is_told_from_its_events_with_times(capsys: pytest.CaptureFixture[str]) -> None:
    ended_run(
        "finetune",
        *STARTED,
        WeightsFetched(at=BEGAN + 1, received_bytes=5, total_bytes=10),
        WeightsFetched(at=BEGAN + 1, received_bytes=10, total_bytes=10),
        DataLoaded(at=BEGAN + 2, train_rows=36, eval_rows=4, columns={"input": "text"}, labels=("no", "y\nes")),
        Noted(at=BEGAN + 2, message="64 tokens are enough"),
        PLANNED,
        *(step(number) for number in range(1, 51)),
        EvaluationCompleted(at=BEGAN + 54, step=50, metrics={"accuracy": 0.75}, rows=4, best=True),
        CheckpointSaved(at=BEGAN + 55, step=50, size_bytes=1),
        Warned(at=BEGAN + 56, message="the loss is high"),
        RunFinished(at=BEGAN + 62, metrics={"accuracy": 0.75}, step=100, best_step=50),
        printed="a library's chatter",
    )
    lines = logs(capsys)

    assert lines[:6] == [
        "2026-03-01",
        "23:59:50  finetune of echo/echo on /data.csv",
        "23:59:51  started on cpu in fp32",
        "23:59:51  weights: 10 B fetched",
        "23:59:52  data: 36 rows to train on, 4 held out; input from column 'text'",
        "23:59:52  labels: no, y es",
    ]
    assert lines[6] == "23:59:52  64 tokens are enough"
    assert lines[8:11] == [
        "23:59:58  step 5/100  epoch 0.1  loss 0.5000  lr 1e-05  8 samples/s  1m35s left",
        "2026-03-02",
        "00:00:03  step 10/100  epoch 0.2  loss 0.5000  lr 1e-05  8 samples/s  1m30s left",
    ]
    assert lines[-3:] == [
        "00:00:44  step     50  accuracy 0.7500  best so far",
        "00:00:46  warning: the loss is high",
        "00:00:52  finished in 1m01s, best at step 50: accuracy 0.7500",
    ]
    assert sum("samples/s" in line for line in lines) == 10
    assert "chatter" not in " ".join(lines)
    assert any("checkpoint saved" in line for line in logs(capsys, "-v"))


def test_a_batch_prediction_is_told_in_rows(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [PredictionsWritten(at=BEGAN + 2 + n, rows=10 * n, total_rows=1000) for n in range(1, 101)]
    ended_run("predict", *STARTED, *answers, RunFinished(at=BEGAN + 200, metrics={"rows": 1000}))

    lines = logs(capsys)

    assert sum("/1,000 rows" in line for line in lines) == 20
    assert lines[-1].endswith("finished in 3m19s: 1,000 rows answered in /answers.jsonl")


def test_a_long_silence_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    slow = [StepCompleted(**{**step_fields(n), "at": BEGAN + 700 * n}) for n in (1, 2)]
    ended_run("finetune", *STARTED, PLANNED, *slow, RunCancelled(at=BEGAN + 1500, step=2))

    lines = logs(capsys)

    assert [line.partition("  ")[2][:10] for line in lines if "samples/s" in line] == ["step 1/100", "step 2/100"]
    assert lines[-1].endswith("stopped at step 2")


def step_fields(number: int) -> dict[str, float]:
    event = step(number)
    return {name: getattr(event, name) for name in event.__struct_fields__}


def test_a_resumed_run_tells_of_both_attempts(capsys: pytest.CaptureFixture[str]) -> None:
    again = RunStarted(at=BEGAN + 9, attempt=2, pid=1, device="cpu", precision="fp32", resumed_from_step=2)
    ended_run(
        "finetune",
        *STARTED,
        RunCancelled(at=BEGAN + 5, step=2),
        RunLaunched(at=BEGAN + 8, attempt=2),
        again,
        RunFinished(),
    )
    lines = logs(capsys)

    assert "23:59:58  finetune of echo/echo on /data.csv, attempt 2" in lines
    assert "23:59:59  started on cpu in fp32, going on from step 2" in lines


def test_a_failed_run_shows_what_its_worker_printed(capsys: pytest.CaptureFixture[str]) -> None:
    failure = RunFailed(at=BEGAN + 2, kind="ValueError", message="ValueError: no")
    ended_run("finetune", *STARTED, failure, printed="Traceback:\n  \x1b[31mred\n")

    assert logs(capsys)[-4:] == ["23:59:52  failed: ValueError: no", "what the worker printed:", "Traceback:", "  red"]
    assert logs(capsys, "--worker") == ["Traceback:", "  red"]


def test_a_run_that_is_gone_without_a_word_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    ended_run("finetune", *STARTED)

    lines = logs(capsys)

    assert lines[-3].startswith("crashed: the worker is gone")
    assert lines[-2:] == ["what the worker printed:", "nothing"]


def test_events_are_to_be_had_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    ended_run("finetune", *STARTED, RunFinished(metrics={"accuracy": 0.5}))

    documents = [json.loads(line) for line in logs(capsys, "--json")]

    assert [document["event"] for document in documents] == ["run_launched", "run_started", "run_finished"]
    assert documents[-1]["metrics"] == {"accuracy": 0.5}


def test_a_run_that_has_not_begun_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    ended_run("finetune")

    assert main(["logs", "done"]) == ExitCode.OK
    assert capsys.readouterr() == ("", "run done has not begun\n")


@pytest.mark.parametrize("flags", [["-f"], ["--follow", "--worker"], ["-f", "--json"]])
def test_following_a_run_that_has_ended_ends(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ended_run("finetune", *STARTED, RunFinished(), printed="chatter")

    assert logs(capsys, *flags)
