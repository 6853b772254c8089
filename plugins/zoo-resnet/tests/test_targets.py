"""Sets of labels and numbers as targets, on images of digits: torchvision's network gives what zoo answers."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from zoo_resnet.resnet import build

from zoo import Example, LabelSet, Quantity, TrainingRun, read_image
from zoo.tasks import get_task
from zoo.testing import PluginHooks
from zoo.training.head import HeadConfig
from zoo.training.images import ImageConfig

plugin = PluginHooks("resnet")

pytestmark = pytest.mark.slow

SEVERAL, NUMBER = "image-multi-label-classification", "image-regression"
LABELS = ("even", "large", "round")


def labels_of(digit: str) -> tuple[str, ...]:
    """Those of a digit: none for 1 and 3."""
    truths = (int(digit) % 2 == 0, int(digit) > 4, digit in "0689")
    return tuple(label for label, is_so in zip(LABELS, truths, strict=True) if is_so)


@pytest.fixture
def run(request: pytest.FixtureRequest, make_run, labelled: tuple[Example, ...]) -> TrainingRun:
    """A training for the task that the test names."""
    several = request.param == SEVERAL
    rows = [
        msgspec.structs.replace(one, target=labels_of(one.target) if several else float(one.target) * 100)
        for one in labelled
    ]
    run = make_run(labels=LABELS if several else (), train=tuple(rows[::2]), eval=tuple(rows[1::2]))
    options = type(run.options)(image_size=8, flip=False, crop_scale=1.0, max_steps=60, batch_size=16)
    return dataclasses.replace(run, task=get_task(request.param), options=options)


@pytest.mark.parametrize("run", [SEVERAL, NUMBER], indirect=True)
def test_a_result_answers_as_torchvisions_network_does(run: TrainingRun, make_prediction) -> None:
    result = plugin.finetune(run).fit(run)
    inputs = [example.input for example in run.eval]
    answers = plugin.predict(make_prediction(run.model_folder, run.task.name)).predict(inputs)

    if run.task.name == SEVERAL:
        chosen = plugin.predict(make_prediction(run.model_folder, SEVERAL, threshold=0.125)).predict(inputs)
        assert [one.labels for one in chosen] == [
            tuple(score.label for score in one.scores if score.probability >= 0.125) for one in answers
        ]

    config = json.loads((run.model_folder / "config.json").read_text(encoding="utf-8"))
    network = build(config["architecture"], len(config["labels"]) or 1).eval()
    network.load_state_dict(load_file(run.model_folder / "model.safetensors"))
    preprocessing = ImageConfig.of(run.card, None, ()).preprocessing.at(8)
    crops = torch.from_numpy(np.stack([preprocessing.crop(read_image(path)) for path in inputs]))
    with torch.no_grad():
        logits = network(preprocessing.normalise(crops))
    judge = run.task.new_judge(run.labels)
    for example, answer, row in zip(run.eval, answers, logits.tolist(), strict=True):
        judge.add(example.target, answer)
        if isinstance(answer, Quantity):
            assert row == pytest.approx([answer.value], abs=0.2)
        else:
            assert isinstance(answer, LabelSet)
            expected = {
                label for label, logit in zip(LABELS, row, strict=True) if _sigmoid(logit) >= config["threshold"]
            }
            assert set(answer.labels) == expected
    figures = {name: value for name, value in result.metrics.items() if name != "loss"}
    assert judge.compute() == pytest.approx(figures, abs=2e-3, rel=2e-3)
    if run.task.name == NUMBER:
        assert (config["problem_type"], config["labels"]) == ("regression", [])
        assert (config["target_mean"], result.metrics["r2"] > 0.5) == (pytest.approx(450), True)
    else:
        assert (config["problem_type"], config["labels"]) == ("multi_label_classification", list(LABELS))
        assert result.metrics["micro_f1"] > 0.7


def _sigmoid(logit: float) -> float:
    return float(torch.tensor(logit).sigmoid())


def test_the_readme_says_how_to_read_the_outputs(make_run) -> None:
    body = plugin.finetune(make_run()).body
    for stated, words in (
        ({"problem_type": "multi_label_classification", "labels": LABELS, "threshold": 0.25}, 'config["threshold"]'),
        ({"problem_type": "regression"}, "logits.item()"),
    ):
        config = dataclasses.replace(body.config, head=HeadConfig(**stated))
        assert words in body.readme(config)
