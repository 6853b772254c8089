"""The boxes that a result finds are found alike by one network for other libraries, and lines of numpy after it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo import Box, Card, Detections, Example, PredictionRun, TrainingRun
from zoo.plugins import load_plugin
from zoo.runs.agreement import agreement_of
from zoo.tasks import get_task
from zoo.testing import PluginHooks
from zoo.training.portable.folder import write_folder

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.slow
TASK = "object-detection"


@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore:unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_boxes(
    card: Callable[[str], Card],
    hooks: PluginHooks,
    make_run: Callable[..., TrainingRun],
    make_prediction: Callable[..., PredictionRun],
    pictures: list[str],
    tmp_path: Path,
) -> None:
    boxes = (Box(left=10, top=12, right=60, bottom=70, label="cat"),), (), (), ()
    rows = tuple(Example(path, target, i) for i, (path, target) in enumerate(zip(pictures, boxes, strict=True), 1))
    run = make_run(card("mobilenet_v2-scratch"), image_size=96)
    run = dataclasses.replace(run, train=rows, task=get_task(TASK))
    hooks.finetune(run).fit(run)
    asked = make_prediction(run.card, run.model_folder, task=TASK, threshold=0.001)
    answers = hooks.predict(asked).predict(pictures)
    folder = tmp_path / "written"
    folder.mkdir()

    body = load_plugin("torchvision").answering_body(asked)
    written = write_folder(body.portable(asked), asked, "onnx", folder)

    assert agreement_of(answers, written.predict(pictures)).agrees
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "model.json", "model.onnx"]
    assert {"threshold": 0.4, "nms": 0.6} == json.loads((folder / "model.json").read_text())["boxes"]
    (answer, *_) = answers
    assert isinstance(answer, Detections)
    found = by_readme(folder, pictures[0])
    assert 0 < len(answer.detections) <= len(found)  # which leaves out what has no area before it counts to 100
    for one, (label, score, corners) in zip(answer.detections, found, strict=False):
        assert one.label == label
        assert one.score == pytest.approx(score, abs=1e-4)
        assert (one.left, one.top, one.right, one.bottom) == pytest.approx(corners, abs=0.05)


def by_readme(folder: Path, picture: str) -> list[tuple[str, float, list[float]]]:
    """What the lines of its README find, with a lower threshold: one step teaches little."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(picture))
    lines = lines.replace('facts["boxes"]["threshold"]', "0.001")
    found: list[tuple[str, float, list[float]]] = []
    exec(lines, {"print": lambda label, score, corners: found.append((label, score, corners))})
    size = np.array([90, 80, 90, 80])
    within = [(label, float(score), np.clip(corners, 0, size).tolist()) for label, score, corners in found]
    return [one for one in within if one[2][2] > one[2][0] and one[2][3] > one[2][1]]
