"""Every task that a body can learn is learnt privately, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.ability_options import option_set
from zoo.blocks import Table
from zoo.data import load
from zoo.options import parse, schema
from zoo.plugins import load_plugin
from zoo.runs import hooks
from zoo.runs.events import AnyEvent, StepCompleted
from zoo.tasks import get_task
from zoo.testing.samples import Samples

pytest.importorskip("opacus")
pytestmark = pytest.mark.slow
OPTIONS: dict[str, Any] = {"private": "eps=8,delta=0.001", "max_steps": 2, "batch_size": 4, "method": "head"}
MODELS = {"bert": "bert-tiny", "gpt": "gpt-tiny-scratch", "resnet": "resnet10-32px", "speech": "deepspeech-tiny"}
SMALL = {"image_size": 16}


def run_of(plugin: str, task_name: str, folder: Path, events: list[AnyEvent], **options: Any) -> zoo.TrainingRun:
    """What a worker would hand to the hook of the smallest model of a plugin."""
    pytest.importorskip(f"zoo_{plugin}")
    card = next(card for card in load_plugin(plugin).cards if card.name == MODELS[plugin])
    task, samples = get_task(task_name), folder / "samples"
    samples.mkdir()
    data = Samples(samples, longest=24)
    dataset = load(data.labelled(task) if task.target else data.unlabelled(task), task)
    declared = option_set(card.ability("finetune", task.name))
    known = {option.name for option in schema(declared)}
    return zoo.TrainingRun(
        card=card,
        task=task,
        weights=None,
        train=dataset.examples,
        eval=dataset.examples[:2],
        labels=dataset.labels,
        options=parse(declared, {name: one for name, one in (OPTIONS | SMALL | options).items() if name in known}),
        device="cpu",
        precision="fp32",
        folder=folder,
        emit=events.append,
        should_stop=lambda: False,
    )


@pytest.mark.parametrize(
    ("plugin", "task", "method"),
    [
        ("bert", "text-classification", None),
        ("bert", "text-multi-label-classification", "head"),
        ("bert", "token-classification", "head"),
        ("bert", "token-classification", None),
        ("gpt", "text-generation", None),
        ("resnet", "image-classification", "head"),
        ("resnet", "image-multi-label-classification", "head"),
        ("resnet", "object-detection", "head"),
        ("resnet", "image-segmentation", "head"),
        ("speech", "automatic-speech-recognition", None),
        ("speech", "audio-classification", "head"),
    ],
)
def test_a_task_is_learnt_privately(plugin: str, task: str, method: str | None, tmp_path: Path) -> None:
    events: list[AnyEvent] = []
    run = run_of(plugin, task, tmp_path, events, method=method)

    result = hooks.fit(load_plugin(plugin), "finetune", run)

    spent = [event.epsilon for event in events if isinstance(event, StepCompleted)]
    assert result.step == 2
    assert spent[-1] is not None
    assert 7.9 < spent[-1] <= 8
    assert any(isinstance(block, Table) and block.title == "Privacy" for block in result.report)
    assert any(run.model_folder.iterdir())


@pytest.mark.parametrize(("plugin", "task"), [("bert", "text-regression"), ("resnet", "image-regression")])
def test_numbers_are_refused_in_one_line(plugin: str, task: str, tmp_path: Path) -> None:
    run = run_of(plugin, task, tmp_path, [])
    with pytest.raises(zoo.Unsupported, match="numbers are learnt in units of their mean and spread") as refused:
        hooks.fit(load_plugin(plugin), "finetune", run)
    assert refused.value.hint
