"""Speech and sounds through the whole of zoo: two processes, and a kill on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import kill_and_resume
from zoo.runs.events import EvaluationCompleted, RunStarted, StepCompleted
from zoo.tasks import get_task
from zoo.testing.samples import Samples

pytest.importorskip("zoo_speech")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

MODEL = "deepspeech-tiny"
CPU = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"batch_size": 7, "max_steps": 9, "eval_steps": 3, "save_steps": 2, "spec_augment": True}
"""A batch that does not divide by two; what is hidden of a recording is drawn from the seed of the run."""
Start = Callable[..., zoo.Run]


@pytest.fixture(scope="module", params=["automatic-speech-recognition", "audio-classification"])
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared_store: Path) -> Start:
    """Teach the network a task on recordings."""
    task = get_task(request.param)
    data = Samples(tmp_path_factory.mktemp("samples")).labelled(task)

    def start(**place: Any) -> zoo.Run:
        return zoo.finetune(MODEL, data, eval_data=data, task=task.name, **CPU, **OPTIONS, **place)

    return start


@pytest.fixture(scope="module")
def uninterrupted(start: Start) -> zoo.Run:
    """A run of one process that nobody disturbed."""
    return start().wait(progress=False)


def test_two_processes_do_as_one(start: Start, uninterrupted: zoo.Run) -> None:
    """But for what each leaves out by dropout, which each draws for itself."""
    run = start(processes=2).wait(progress=False)

    assert [event.processes for event in run.events() if isinstance(event, RunStarted)] == [2]
    step, expected_step = (
        next(event for event in one.events() if isinstance(event, StepCompleted)) for one in (run, uninterrupted)
    )
    assert step.loss == pytest.approx(expected_step.loss, rel=1e-2)
    assert step.grad_norm == pytest.approx(expected_step.grad_norm, rel=0.05)
    assert len(evaluations(run)) == 3
    for evaluation, expected in zip(evaluations(run), evaluations(uninterrupted), strict=True):
        assert evaluation.metrics.keys() == expected.metrics.keys()
        assert evaluation.metrics["loss"] == pytest.approx(expected.metrics["loss"], rel=0.05)


def test_a_killed_run_resumes_to_the_same_bits(start: Start, uninterrupted: zoo.Run) -> None:
    run = kill_and_resume(start, step=4)

    assert run.metrics == uninterrupted.metrics
    assert weights(run) == weights(uninterrupted)


def evaluations(run: zoo.Run) -> list[EvaluationCompleted]:
    return [event for event in run.events() if isinstance(event, EvaluationCompleted)]


def weights(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()
