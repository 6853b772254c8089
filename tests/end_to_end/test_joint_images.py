"""Labels, masks and boxes learnt in one run, on the body of a classifier: judged, killed, shared by processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import kill_and_resume
from zoo.runs.events import StepCompleted
from zoo.tasks import get_task
from zoo.testing.interruption import digests
from zoo.testing.samples import Samples

pytest.importorskip("zoo_resnet")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

MODEL = "resnet10-32px"
CPU = {"device": "cpu", "precision": "fp32"}
TASKS = {"kind": "image-classification", "mask": "image-segmentation", "box": "object-detection"}
OPTIONS: dict[str, Any] = {"image_size": 32, "batch_size": 7, "max_steps": 6, "eval_steps": 3, "save_steps": 2}
"""A batch that does not divide by two."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, zoo.Source]:
    samples = Samples(tmp_path_factory.mktemp("samples"))
    data = {name: samples.labelled(get_task(task)) for name, task in TASKS.items()}
    return {name: zoo.Source(data=path, eval_data=path, task=TASKS[name]) for name, path in data.items()}


@pytest.fixture(scope="module")
def start(sources: dict[str, zoo.Source], shared_store: Path) -> Callable[..., zoo.Run]:
    """From a classifier: the statistics of its batch norms stay, which depend on who shares a batch."""
    backbone = zoo.finetune(MODEL, sources["kind"].data, **CPU, image_size=32, max_steps=2).wait(progress=False).name
    return lambda **more: zoo.finetune(backbone, sources=sources, **CPU, **OPTIONS | more)


@pytest.fixture(scope="module")
def uninterrupted(start: Callable[..., zoo.Run]) -> zoo.Run:
    """A run of one process that nobody disturbed."""
    return start(name="mine").wait(progress=False)


@pytest.mark.parametrize("name", TASKS)
def test_each_head_does_as_its_run_said(uninterrupted: zoo.Run, sources: dict[str, zoo.Source], name: str) -> None:
    judged = zoo.evaluate(f"mine.{name}", sources[name].data, **CPU).wait(progress=False)
    primary = get_task(TASKS[name]).primary_metric
    assert judged.metrics[primary] == pytest.approx(uninterrupted.metrics[f"{name}.{primary}"], abs=1e-3)


def test_the_readme_of_a_head_says_how_its_weights_are_read(uninterrupted: zoo.Run, tmp_path: Path) -> None:
    files, one_file = (
        "`body.safetensors`, which is that of the other heads",
        'load_file("this folder/model.safetensors")',
    )
    readme = (uninterrupted.folder.model_folder / "heads" / "mask" / "README.md").read_text()
    assert files in readme
    assert one_file in readme
    exported = (zoo.export("mine", tmp_path / "apart", head="mask") / "README.md").read_text()
    assert files not in exported
    assert one_file in exported


def test_a_killed_run_resumes_to_the_same_bits(start: Callable[..., zoo.Run], uninterrupted: zoo.Run) -> None:
    run = kill_and_resume(start, step=4)

    assert run.metrics == uninterrupted.metrics
    assert digests(run.folder.model_folder) == digests(uninterrupted.folder.model_folder)


def test_two_processes_do_as_one(start: Callable[..., zoo.Run]) -> None:
    """The same first step of all sources; from there on kernels round in another way."""
    one, two = (start(processes=processes, mixing="together", max_steps=1).wait(progress=False) for processes in (1, 2))
    steps = [next(event for event in run.events() if isinstance(event, StepCompleted)) for run in (one, two)]
    assert [source.name for source in steps[1].sources] == [*TASKS]
    assert steps[1].loss == pytest.approx(steps[0].loss, rel=1e-5)
    assert steps[1].grad_norm == pytest.approx(steps[0].grad_norm, rel=1e-3)
