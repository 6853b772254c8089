"""Boxes and masks through the whole of zoo: two processes, and a kill on the way, on the body of a classifier."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.echo_runs import kill_and_resume
from zoo.cli import main
from zoo.runs.events import EvaluationCompleted, RunStarted, StepCompleted
from zoo.tasks import get_task
from zoo.testing.samples import Samples

pytest.importorskip("zoo_resnet")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

MODEL = "resnet10-32px"
CPU = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"image_size": 64, "batch_size": 7, "max_steps": 9, "eval_steps": 3, "save_steps": 2}
"""A batch that does not divide by two."""
Start = Callable[..., zoo.Run]
Event = TypeVar("Event")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return Samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def backbone(samples: Samples, shared_store: Path) -> str:
    """A classifier; from here on the statistics of its batch norms stay, which depend on who shares a batch."""
    classes = samples.labelled(get_task("image-classification"))
    return zoo.finetune(MODEL, classes, **CPU, image_size=32, max_steps=2).wait(progress=False).name


@pytest.fixture(scope="module", params=["object-detection", "image-segmentation"])
def start(request: pytest.FixtureRequest, samples: Samples, backbone: str) -> Start:
    """Teach the classifier a task on feature maps."""
    data = samples.labelled(get_task(request.param))

    def start(**place: Any) -> zoo.Run:
        return zoo.finetune(backbone, data, eval_data=data, task=request.param, **CPU, **OPTIONS, **place)

    return start


@pytest.fixture(scope="module")
def uninterrupted(start: Start) -> zoo.Run:
    """A run of one process that nobody disturbed."""
    return start().wait(progress=False)


def test_two_processes_do_as_one(start: Start, uninterrupted: zoo.Run) -> None:
    """The same first step; from there on kernels round in another way for another number of pictures."""
    run = start(processes=2).wait(progress=False)

    assert [event.processes for event in run.events() if isinstance(event, RunStarted)] == [2]
    step, expected_step = (first(StepCompleted, one) for one in (run, uninterrupted))
    assert step.loss == pytest.approx(expected_step.loss, rel=1e-6)
    assert step.grad_norm == pytest.approx(expected_step.grad_norm, rel=2e-4)
    assert len(evaluations(run)) == 3
    for evaluation, expected in zip(evaluations(run), evaluations(uninterrupted), strict=True):
        assert evaluation.metrics["loss"] == pytest.approx(expected.metrics["loss"], rel=5e-3)
        assert evaluation.metrics == pytest.approx(expected.metrics, abs=0.02)
        assert [block.title for block in evaluation.pictures] == [block.title for block in expected.pictures]
        assert len(evaluation.pictures) > 1


def test_a_killed_run_resumes_to_the_same_bits(start: Start, uninterrupted: zoo.Run) -> None:
    run = kill_and_resume(start, step=4)

    assert run.metrics == uninterrupted.metrics
    assert weights(run) == weights(uninterrupted)


def test_a_file_of_classes_names_the_values_in_the_training_and_in_an_evaluation(
    tmp_path: Path, shared_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such a model teaches another one, also pictures that have no mask."""
    for number in range(8):
        pixels = np.full((32, 32, 3), number, dtype=np.uint8)
        pixels[:, 16:] = 200
        for folder, values in (("images", pixels), ("masks", pixels[..., 0] // 200 * 9)):
            (tmp_path / "cells" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(tmp_path / "cells" / folder / f"{number}.png")
    (tmp_path / "own.json").write_text('{"0": "outside", "9": "cell"}', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = zoo.finetune(MODEL, "cells", classes="own.json", **CPU, image_size=32, max_steps=1).wait(progress=False)
    assert run.folder.request.data.classes == str(tmp_path / "own.json")
    assert any("classes by own.json: 0 outside, 9 cell" in str(event) for event in run.events())
    assert zoo.load(run.name, device="cpu").predict(["cells/images/0.png"])[0].labels == ("cell", "outside")
    judged = zoo.evaluate(run.name, "cells", classes=tmp_path / "own.json", device="cpu").wait(progress=False)
    assert set(judged.metrics) >= {"miou", "dice"}
    with pytest.raises(zoo.DatasetInvalid, match=r"there is no file or folder .*gone\.json"):
        zoo.evaluate(run.name, "cells", classes="gone.json")
    with pytest.raises(zoo.OptionInvalid, match="--classes is a dict, but takes the path of a file"):
        zoo.evaluate(run.name, "cells", classes={})  # type: ignore[arg-type]

    Image.new("RGB", (32, 32)).save("cells/images/more.png")
    words = ["--data", "cells", "--classes", "own.json", "--image-size", "32", "--max-steps", "1", "--name", "pupil"]
    here = ["--device", "cpu", "--precision", "fp32", "--json"]
    assert main(["finetune", MODEL, *words, "--teacher", run.name, *here]) == 0
    snapshot = json.loads(capsys.readouterr().out)["snapshot"]
    note = f"1 row without a target is learnt from the answers of resnet/{run.name} alone"
    assert (note in snapshot["notes"], snapshot["rejected_rows"]) == (True, 0)
    assert snapshot["train_rows"] + snapshot["eval_rows"] == 9
    assert set(snapshot["metrics"]) >= {"miou", "dice"}
    assert zoo.load("pupil", device="cpu").predict(["cells/images/0.png"])[0].labels == ("cell", "outside")


def first(event_type: type[Event], run: zoo.Run) -> Event:
    return next(event for event in run.events() if isinstance(event, event_type))


def evaluations(run: zoo.Run) -> list[EvaluationCompleted]:
    return [event for event in run.events() if isinstance(event, EvaluationCompleted)]


def weights(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()
