"""Networks of torchvision find boxes, and plain torchvision finds the same with the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from zoo import Box, Card, Detections, Example, PredictionRun, TrainingRun
from zoo.tasks import get_task
from zoo.testing import PluginHooks

pytestmark = pytest.mark.slow
TASK = "object-detection"
LABELS = ("cat", "dog")


def by_readme(folder: Path, picture: str) -> dict[str, torch.Tensor]:
    """What the lines in the README of a result find, with a lower threshold: one step teaches little."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(picture))
    lines = lines.replace("score_thresh=0.4", "score_thresh=0.001")
    values: dict[str, torch.Tensor] = {}
    exec(lines.rpartition("for box")[0], values)
    boxes = values["boxes"]
    has_area = (boxes[:, 2:] > boxes[:, :2]).all(1)
    return {"boxes": boxes[has_area], **{name: values["found"][name][has_area] for name in ("scores", "labels")}}


@pytest.mark.parametrize("name", ["mobilenet_v2-scratch", "convnext_tiny-scratch", "densenet121-scratch"])
def test_plain_torchvision_finds_the_same_boxes(
    name: str,
    card: Callable[[str], Card],
    hooks: PluginHooks,
    make_run: Callable[..., TrainingRun],
    make_prediction: Callable[..., PredictionRun],
    pictures: list[str],
) -> None:
    boxes = (Box(left=10, top=12, right=60, bottom=70, label="cat"),), (), (), ()
    rows = tuple(Example(path, target, i) for i, (path, target) in enumerate(zip(pictures, boxes, strict=True), 1))
    run = make_run(card(name), image_size=96)
    run = dataclasses.replace(run, train=rows, task=get_task(TASK))
    hooks.finetune(run).fit(run)
    predictor = hooks.predict(make_prediction(run.card, run.model_folder, task=TASK, threshold=0.001))
    (answer,) = predictor.predict([pictures[0]])
    expected = by_readme(run.model_folder, pictures[0])

    assert isinstance(answer, Detections)
    assert (answer.width, answer.height) == (90, 80)
    assert len(answer.detections) == len(expected["boxes"]) > 0
    for detection, box, score, label in zip(
        answer.detections, *(one.tolist() for one in expected.values()), strict=True
    ):
        assert (detection.left, detection.top, detection.right, detection.bottom) == pytest.approx(box, abs=1e-2)
        assert detection.score == pytest.approx(score, abs=1e-5)
        assert detection.label == LABELS[label]
