"""Labels of a run: those of its data and those of the model that comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from tests.echo_runs import until
from zoo.errors import DatasetInvalid
from zoo.runs.events import DataLoaded

pytestmark = pytest.mark.slow


def test_a_model_is_judged_on_another_format_than_it_was_trained_on(
    finetune: Callable[..., zoo.Run], tmp_path: Path
) -> None:
    text = {True: "good fine", False: "bad awful"}
    training, evaluation = tmp_path / "a.jsonl", tmp_path / "b.csv"
    training.write_text(
        "\n".join(json.dumps({"text": f"{text[i % 2 == 0]} {i}", "label": i % 2 == 0}) for i in range(8))
    )
    evaluation.write_text("text,label\ngood fine,True\nbad awful,FALSE\n")
    finetune(data=training, name="mine").wait()
    run = zoo.evaluate("mine", evaluation, device="cpu", precision="fp32").wait()
    assert (run.snapshot.labels, run.metrics["accuracy"]) == (("false", "true"), 1.0)


def test_merging_lasts_from_training_over_a_resume_to_the_evaluation_of_the_model(
    finetune: Callable[..., zoo.Run], tmp_path: Path
) -> None:
    training, evaluation = tmp_path / "a.csv", tmp_path / "b.csv"
    spellings = ("good\u200b", "Good", "Good")
    rows = [f"good fine {i},{spellings[i % 3]}\nbad awful {i},Bad\n" for i in range(12)]
    training.write_text("text,label\n" + "".join(rows))
    evaluation.write_text("text,label\ngood fine,GOOD\nbad awful,bad\n")
    run = finetune(data=training, name="mine", merge_labels=True, fail_at=5)
    until(lambda: run.status == "failed")
    run.resume()
    until(lambda: run.snapshot.attempt == 2 and run.status == "failed")
    assert [event.labels for event in run.events() if isinstance(event, DataLoaded)] == [("Bad", "Good")] * 2

    finetune(data=training, name="whole", merge_labels=True).wait()
    judged = zoo.evaluate("whole", evaluation, device="cpu", precision="fp32").wait()
    assert (judged.snapshot.labels, judged.metrics["accuracy"]) == (("Bad", "Good"), 1.0)
    finetune(data=training, name="plain").wait()
    with pytest.raises(DatasetInvalid, match="label 'GOOD' is none of those trained on"):
        zoo.evaluate("plain", evaluation)
    judged = zoo.evaluate("plain", evaluation, merge_labels=True, device="cpu", precision="fp32").wait()
    assert judged.snapshot.eval_rows == 2
