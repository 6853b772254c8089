"""Networks of torchvision give each pixel a class, and plain torch does the same with the result."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from zoo import (
    MASK,
    Ability,
    Card,
    Example,
    FolderSource,
    ImagePredictOptions,
    PredictionRun,
    SegmentedImage,
    TrainingRun,
    Weights,
    WeightsFile,
)
from zoo.tasks import get_task
from zoo.testing import PluginHooks

pytestmark = pytest.mark.slow
TASK = "image-segmentation"
LABELS = ("dark", "light")


def prediction_of(card: Card, folder: Path) -> PredictionRun:
    result = Weights(files=(WeightsFile(name="model.safetensors"),), sources=(FolderSource(path=str(folder)),))
    return PredictionRun(
        card=msgspec.structs.replace(card, weights=result),
        task=get_task(TASK),
        weights=folder,
        options=PluginHooks.options(Ability(verb="predict", task=TASK, options=ImagePredictOptions)),
        device="cpu",
        precision="fp32",
    )


def by_readme(folder: Path, picture: str) -> torch.Tensor:
    """What the lines in the README of a result say."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(picture))
    values: dict[str, torch.Tensor] = {}
    exec(lines.rpartition("for index")[0], values)
    return values["mask"]


@pytest.mark.parametrize("name", ["mobilenet_v2-scratch", "convnext_tiny-scratch", "vgg16-scratch"])
def test_plain_torch_gives_the_same_mask(
    name: str,
    card: Callable[[str], Card],
    hooks: PluginHooks,
    make_run: Callable[..., TrainingRun],
    pictures: list[str],
    tmp_path: Path,
) -> None:
    rows = []
    for number, path in enumerate(pictures, 1):
        pixels = (np.arange(80 * 90).reshape(80, 90) % 90 > 20 * number).astype(np.uint8) * 255
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows.append(Example(path, MASK.read(str(tmp_path / f"{number}.png"), "mask"), number))
    rows = [msgspec.structs.replace(one, target=MASK.renamed(one.target, NAMES)) for one in rows]
    run = make_run(card(name), task=TASK, image_size=96)
    run = dataclasses.replace(run, train=tuple(rows), task=get_task(TASK), labels=LABELS)
    hooks.finetune(run).fit(run)
    (answer,) = hooks.predict(prediction_of(run.card, run.model_folder)).predict([pictures[0]])
    expected = by_readme(run.model_folder, pictures[0])

    assert isinstance(answer, SegmentedImage)
    assert (answer.width, answer.height, answer.labels) == (90, 80, LABELS)
    same = np.asarray(Image.open(io.BytesIO(answer.mask))) == expected.numpy()
    assert same.mean() > 0.999, "two scores may be so near that folding batch norms turns them round"


NAMES = {"background": "dark", "foreground": "light"}
