"""What a run shows of how it learnt is named, with commands that help."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

import zoo
from tests.diagnosis.records import Recorder, falling, finished, the_only, values
from zoo.diagnosis import diagnose
from zoo.diagnosis.record import Record
from zoo.runs.events import (
    EvaluationCompleted,
    RunFailed,
    RunFinished,
    Warned,
)

SKIPPED = "step {}: the gradient is not finite; the step is skipped"
DIVERGED = RunFailed(kind="RunFailed", message="the loss diverged: no finite gradient in 10 steps up to step 22")


def test_a_learning_rate_that_is_too_high(recorder: Recorder) -> None:
    skipped = [Warned(message=SKIPPED.format(step)) for step in range(13, 23)]
    folder = recorder.run(*skipped, DIVERGED, losses=[0.7, 0.9, 20.0, *[None] * 20], options={"lr": 0.5})

    finding = the_only(folder)
    assert finding.rule == "learning-rate"
    assert finding.what == "the learning rate was too high (0.5): the loss diverged: it is no number any more"
    assert values(finding)["first step without a number"] == "4"
    assert values(finding)["learning rate"] == "0.5"
    assert finding.remedies[0].command.startswith("zoo finetune ")
    assert finding.remedies[0].command.endswith("--lr 5e-05")


def test_a_learning_rate_under_which_all_collapses(recorder: Recorder) -> None:
    folder = recorder.run(losses=[*[0.7] * 4, 3.0, *[0.72] * 30], options={"lr": 0.01}, counts=[[50, 0], [50, 0]])

    finding = the_only(folder)
    assert finding.rule == "learning-rate"
    assert finding.what == "the learning rate was too high (0.01): the loss rose"


def test_a_loss_that_rose_far_above_the_first_and_never_came_back(recorder: Recorder) -> None:
    losses = [2.3, 49.0, 12.0, 25.0, *[3.0] * 30, 2.4, 2.4, 2.4, 2.4]
    lucky = finished([[30, 20], [20, 30]])  # its weights are those of the best of several evaluations
    folder = recorder.run(lucky, losses=losses, options={"lr": 5.0})

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("learning-rate", "the learning rate was too high (5): the loss rose")
    assert values(finding)["loss"] == "2.3 at first, 49 at most, 2.4 in the end"


def test_the_best_of_many_looks_has_to_be_better_by_more(recorder: Recorder) -> None:
    looks = [EvaluationCompleted(step=step, metrics={"accuracy": 0.6}, rows=100) for step in range(4, 40, 4)]
    looks.append(EvaluationCompleted(step=40, metrics={"accuracy": 0.5}, rows=100))
    folder = recorder.run(*looks, losses=falling(), counts=[[30, 20], [20, 30]])
    assert the_only(folder).rule == "nothing-learnt"

    shutil.rmtree(folder.path)
    steady = [msgspec.structs.replace(look, metrics={"accuracy": 0.61}) for look in looks]
    assert diagnose(recorder.run(*steady, losses=falling(), counts=[[30, 20], [20, 30]])).findings == ()

    shutil.rmtree(folder.path)
    assert diagnose(recorder.run(*looks[:1], losses=falling(), counts=[[30, 20], [20, 30]])).findings == ()


def test_labels_that_are_shuffled(recorder: Recorder) -> None:
    folder = recorder.run(losses=falling(), counts=[[26, 24], [27, 23]])

    finding = the_only(folder)
    assert finding.rule == "nothing-learnt"
    assert "learnt by heart" in finding.what
    assert values(finding)["right answers"] == "49.0% of 100 held-out rows"
    assert values(finding)["the most frequent label alone"] == "50.0%"


@pytest.mark.parametrize(("held_out", "rules"), [(0.36, ["frozen-body"]), (2.0, [])])
def test_a_frozen_body_whose_loss_fell_by_the_usual_label_alone(
    held_out: float, rules: list[str], recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "names.conll"
    path.write_text("".join(f"Ann\tB-name\ncame\tO\nat\tO\n{i}\tO\n\n" for i in range(40)))
    figures = RunFinished(metrics={"span_f1": 0.11}, step=40, best_step=40)
    judged = EvaluationCompleted(step=40, metrics={"span_f1": 0.11, "loss": held_out}, rows=40)
    folder = recorder.run(
        judged,
        figures,
        losses=[1.1 * 0.9**step + 0.31 for step in range(40)],
        options={"method": "head"},
        trainable=10,
        task="token-classification",
        path=str(path),
    )
    taught = Record(folder).card
    assert taught is not None
    known = msgspec.structs.replace(taught, weights=zoo.Weights(files=(), sources=()))
    monkeypatch.setattr(Record, "card", known)
    assert [one.rule for one in diagnose(folder).findings] == rules


def test_a_frozen_body_of_random_numbers(recorder: Recorder) -> None:
    folder = recorder.run(losses=falling(), options={"method": "head"}, trainable=10, counts=[[43, 7], [7, 43]])
    assert the_only(folder).what.endswith("--method head leaves the body as it is, and it is of random numbers")

    shutil.rmtree(folder.path)
    good = recorder.run(losses=falling(), options={"method": "head"}, trainable=10, counts=[[49, 1], [1, 49]])
    assert diagnose(good).findings == ()

    shutil.rmtree(folder.path)
    told = RunFinished(metrics={"rmse": 1.7, "r2": 0.99}, step=40, best_step=40)
    good = recorder.run(told, losses=falling(), options={"method": "head"}, trainable=10, task="text-regression")
    assert diagnose(good).findings == ()


def test_a_frozen_body_is_not_why_a_run_has_failed(recorder: Recorder) -> None:
    failure = RunFailed(kind="ValueError", message="ValueError: a row is odd")
    judged = EvaluationCompleted(step=40, metrics={"accuracy": 0.5, "loss": 0.7}, rows=100)
    folder = recorder.run(judged, failure, losses=falling(), options={"method": "head"}, trainable=10)
    assert the_only(folder).rule == "error"


def test_a_frozen_body(recorder: Recorder) -> None:
    folder = recorder.run(
        losses=falling(last=0.65), options={"method": "head"}, trainable=10, counts=[[30, 20], [20, 30]]
    )

    finding = the_only(folder)
    assert finding.rule == "frozen-body"
    assert values(finding)["trained"] == "10 of 1.0k parameters (1.0%)"
    assert [shlex.split(one.command)[-2:] for one in finding.remedies] == [["--method", "lora"], ["--method", "full"]]


@pytest.mark.parametrize(
    ("precision", "skipped", "why"),
    [
        ("bf16", range(1, 11), "the data or the weights hold what cannot be computed with"),
        ("fp16", (), "fp16 holds nothing above 65,504"),  # whose losses are scaled: steps are skipped without a word
    ],
)
def test_a_loss_that_is_no_number_from_the_first_step_on(
    precision: str, skipped: Sequence[int], why: str, recorder: Recorder
) -> None:
    warned = [Warned(message=SKIPPED.format(step)) for step in skipped]
    folder = recorder.run(*warned, DIVERGED, options={"lr": 0.001}, precision=precision)

    finding = the_only(folder)
    assert finding.rule == "not-a-number"
    assert why in finding.what
    assert finding.remedies[0].command.endswith("--precision fp32")


def test_too_many_epochs(recorder: Recorder) -> None:
    evaluations = [
        EvaluationCompleted(step=step, metrics={"accuracy": 0.8, "loss": loss}, rows=100)
        for step, loss in ((10, 0.5), (20, 0.6), (30, 0.8), (40, 1.1))
    ]
    folder = recorder.run(*evaluations, losses=falling(last=0.01), counts=[[40, 10], [10, 40]])

    finding = the_only(folder)
    assert finding.rule == "overfitted"
    assert values(finding)["loss on held out rows"] == "0.5 at step 10, 1.1 in the end"
    assert finding.remedies[0].command.endswith("--epochs 1")


def test_a_loss_that_rose_while_answers_went_on_improving_is_left_alone(recorder: Recorder) -> None:
    evaluations = [
        EvaluationCompleted(step=step, metrics={"accuracy": accuracy, "loss": loss}, rows=100)
        for step, accuracy, loss in ((10, 0.76, 0.5), (20, 0.77, 0.6), (30, 0.79, 0.8), (40, 0.79, 0.85))
    ]
    folder = recorder.run(*evaluations, losses=falling(last=0.01), counts=[[40, 10], [11, 39]])
    assert diagnose(folder).findings == ()
