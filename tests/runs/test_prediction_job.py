"""Batch prediction: every row answered once, in order, however often the job is killed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import zoo
from tests.echo_runs import until, wait_quietly
from zoo.runs import liveness, prediction_job
from zoo.runs.events import PredictionsWritten

Start = Callable[..., zoo.Run]


@pytest.fixture
def model(finetune: Start) -> str:
    return finetune(name="words").wait(progress=False).name


def predict(model: str, data: Path, out: Path) -> zoo.Run:
    return zoo.predict_file(model, data, out, device="cpu", precision="fp32")


def test_rows_are_answered_in_order_and_bad_ones_rejected_in_place(model: str, tmp_path: Path) -> None:
    data, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    data.write_text('text,other\n"so good",1\n,2\n"bad, bad",3\n')
    run = predict(model, data, out).wait(progress=False)
    answers = [json.loads(line) for line in out.read_text().splitlines()]

    assert [answer["row"] for answer in answers] == [1, 2, 3]
    assert [answer["prediction"]["type"] for answer in answers] == ["classification", "rejected", "classification"]
    assert answers[0]["prediction"]["scores"][0]["label"] == "positive"
    assert answers[2]["input"] == "bad, bad"
    assert run.metrics == {"rows": 3.0}


def test_csv_answers_have_a_header_and_stay_on_one_line(model: str, tmp_path: Path) -> None:
    data, out = tmp_path / "in.jsonl", tmp_path / "out.csv"
    data.write_text(json.dumps({"text": "good\nfine"}) + "\n" + json.dumps({"text": ""}) + "\n")
    predict(model, data, out).wait(progress=False)
    header, first, second = csv.reader(out.read_text().splitlines())

    assert tuple(header) == prediction_job.CSV_HEADER
    assert first[:3] == ["1", "good fine", "positive"]
    assert second[2] == ""
    assert second[4] != ""


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_killed_job_goes_on_where_it_was(model: str, tmp_path: Path, suffix: str) -> None:
    rows, data = 30_000, tmp_path / "in.txt"
    data.write_text("".join(f"good {i}\n" for i in range(rows)))
    whole, out = tmp_path / f"whole.{suffix}", tmp_path / f"parts.{suffix}"
    predict(model, data, whole).wait(progress=False)
    run = predict(model, data, out)
    until(lambda: any(isinstance(event, PredictionsWritten) and event.rows for event in run.events()))
    worker = liveness.recorded(run.folder)
    assert worker is not None
    if liveness.process_is_alive(worker):
        psutil.Process(worker.pid).kill()
    wait_quietly(run)
    if run.status == "crashed":  # a fast machine may have been done by then
        with out.open("ab") as file:
            file.write(b"half a li")
        run.resume().wait(progress=False)

    assert out.read_bytes() == whole.read_bytes()


def test_an_output_that_exists_is_not_touched(model: str, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    with pytest.raises(zoo.OptionInvalid, match="exists already"):
        predict(model, rows, out)
    with pytest.raises(zoo.OptionInvalid, match="there is no folder"):
        predict(model, rows, tmp_path / "nowhere" / "out.jsonl")

    assert out.read_text() == "precious"


def test_an_evaluation_judges_by_the_model_s_labels(model: str, tmp_path: Path) -> None:
    data = tmp_path / "held-out.csv"
    data.write_text("review,target\nso good,positive\nfine,positive\nbad,negative\ngood,negative\n")
    run = zoo.evaluate(model, data, device="cpu", precision="fp32").wait(progress=False)

    assert run.metrics["accuracy"] == 0.75
    assert run.snapshot.confusion == ((1, 1), (0, 2))
    assert run.snapshot.labels == ("negative", "positive")


def test_an_evaluation_refuses_labels_the_model_does_not_know(model: str, tmp_path: Path) -> None:
    data = tmp_path / "other.csv"
    data.write_text("text,label\ngood,positive\nmeh,neutral\n")
    with pytest.raises(zoo.DatasetInvalid, match="neutral"):
        zoo.evaluate(model, data, device="cpu", precision="fp32")


def test_a_killed_job_does_not_go_on_with_other_data(model: str, tmp_path: Path) -> None:
    data, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    data.write_text("".join(f"good {i}\n" for i in range(30_000)))
    run = predict(model, data, out)
    until(lambda: any(isinstance(event, PredictionsWritten) and event.rows for event in run.events()))
    run.stop(force=True)
    if run.status == "finished":
        pytest.skip("this machine was done before it could be stopped")
    data.write_text("bad\n")
    wait_quietly(run.resume())

    assert run.snapshot.error_kind == "DatasetInvalid"
    assert "has changed since the run was asked for" in run.snapshot.error


def test_rows_that_an_evaluation_cannot_use_are_quarantined(model: str, tmp_path: Path) -> None:
    data = tmp_path / "held-out.csv"
    data.write_text("text,label\ngood,positive\n,positive\nbad,negative\n")
    run = zoo.evaluate(model, data, device="cpu", precision="fp32").wait(progress=False)

    assert [json.loads(line)["row"] for line in run.folder.quarantine_path.read_text().splitlines()] == [2]
    assert run.snapshot.rejected_rows == 1
