"""torchvision's own detectors through the whole of zoo: the pictures of a step shared by two processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.runs.events import RunStarted, StepCompleted

pytest.importorskip("zoo_torchvision")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

OPTIONS: dict[str, Any] = {
    "device": "cpu",
    "precision": "fp32",
    "batch_size": 3,
    "micro_batch_size": 2,
    "eval_share": 0.0,
    "flip": False,
    "crop_scale": 1.0,
}
"""A batch that does not divide by two; pictures of one size, as torchvision fills up others to the largest beside."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of one size, one of which shows nothing: some process may have it alone."""
    folder = tmp_path_factory.mktemp("squares")
    draw, rows = np.random.default_rng(0), []
    for number, sides in enumerate(((30, 40), (), (50,))):
        pixels = draw.integers(90, 160, (100, 120, 3), dtype=np.uint8)
        boxes = []
        for place, side in enumerate(sides):
            left = 5 + 55 * place
            pixels[20 : 20 + side, left : left + side] = (220, 40, 40)
            boxes.append({"label": "square", "left": left, "top": 20, "right": left + side, "bottom": 20 + side})
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "boxes": boxes})
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("model", "sides"),
    [
        ("ssdlite320_mobilenet_v3_large-scratch", {}),
        ("fasterrcnn_mobilenet_v3_large_320_fpn-scratch", {"image_size": 96}),
    ],
)
def test_two_processes_do_as_one(model: str, sides: dict[str, int], data: Path) -> None:
    """The same first steps of what has learnt already: its batch norms, which see who shares a batch, stay."""
    learnt = zoo.finetune(model, data, **OPTIONS, **sides, max_steps=1).wait(progress=False).name

    def steps(**place: Any) -> list[StepCompleted]:
        run = zoo.finetune(learnt, data, **OPTIONS, **sides, max_steps=2, **place).wait(progress=False)
        assert [event.processes for event in run.events() if isinstance(event, RunStarted)] == [
            place.get("processes", 1)
        ]
        return [event for event in run.events() if isinstance(event, StepCompleted)]

    shared, alone = steps(processes=2), steps()
    assert len(shared) == len(alone) == 2
    for step, expected, tolerance in zip(shared, alone, (1e-5, 1e-3), strict=True):
        assert step.loss == pytest.approx(expected.loss, rel=tolerance)
        assert step.grad_norm == pytest.approx(expected.grad_norm, rel=10 * tolerance)
