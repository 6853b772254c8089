"""Labels of a run: those of its data and those of the model that comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import zoo


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
