"""torchvision's own segmenters: the masks that plain torchvision gives, other classes, results that it loads."""

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
from safetensors.torch import load_file
from torchvision import models
from torchvision.models import get_model, get_model_weights, list_models
from zoo_torchvision.segmenters.cards import SEGMENTERS

from zoo import MASK, Card, Example, PredictionRun, Rejected, SegmentedImage, TrainingRun
from zoo.tasks import get_task
from zoo.testing import PluginHooks

TASK = "image-segmentation"
LABELS = ("dark", "light")
NAMES = {"background": "dark", "foreground": "light"}
BUILDERS = list_models(module=models.segmentation)
SMALL = ("lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "fcn_resnet50")
"""One of each family."""


def test_every_segmenter_has_its_weights_and_starts_from_scratch() -> None:
    published = {card.architecture["builder"]: card for card in SEGMENTERS if card.weights is not None}
    assert sorted(published) == sorted(BUILDERS)
    assert {f"{builder}-scratch" for builder in BUILDERS} == {one.name for one in SEGMENTERS if one.weights is None}
    for builder, card in published.items():
        weights = get_model_weights(builder).DEFAULT
        assert card.weights is not None
        (file,) = card.weights.files
        assert weights.url.endswith(file.name)
        assert card.parameters == weights.meta["num_params"]
        assert card.labels == ("background", *weights.meta["categories"][1:])
        figures = weights.meta["_metrics"]["COCO-val2017-VOC-labels"]
        assert {metric.name: metric.value for metric in card.metrics} == figures


def indexes(answer: SegmentedImage) -> torch.Tensor:
    """Of the classes, shape (height, width)."""
    return torch.from_numpy(np.asarray(Image.open(io.BytesIO(answer.mask))).copy())


def published(builder: str, folder: Path) -> torch.nn.Module:
    """torchvision's network with weights as it publishes them: of random numbers, what helps to train included."""
    torch.manual_seed(0)
    auxiliary = {} if builder.startswith("lraspp") else {"aux_loss": True}
    network = get_model(builder, weights=None, weights_backbone=None, **auxiliary)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    torch.save(network.state_dict(), folder / get_model_weights(builder).DEFAULT.url.rpartition("/")[2])
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize("builder", SMALL)
def test_masks_are_those_of_plain_torchvision(
    builder: str,
    card: Callable[[str], Card],
    hooks: PluginHooks,
    make_prediction: Callable[..., PredictionRun],
    pictures: list[str],
    tmp_path: Path,
) -> None:
    """With its own preprocessing, at a smaller side; a picture on its side and a broken one among them."""
    network = published(builder, tmp_path)
    small = msgspec.structs.replace(card(builder), architecture=card(builder).architecture | {"size": 96})
    turned, broken = tmp_path / "turned.png", tmp_path / "broken.png"
    Image.open(pictures[0]).resize((60, 130)).save(turned)
    broken.write_bytes(b"no picture")
    run = make_prediction(small, tmp_path, task=TASK, batch_size=4, probabilities=True)
    *answers, rejected = hooks.predict(run).predict([*pictures[:2], str(turned), str(broken)])

    assert isinstance(rejected, Rejected)
    prepare = get_model_weights(builder).DEFAULT.transforms(resize_size=96)
    for path, answer in zip([*pictures[:2], turned], answers, strict=True):
        picture = Image.open(path)
        with torch.inference_mode():
            scores = network(prepare(picture)[None])["out"]
        enlarged = torch.nn.functional.interpolate(scores, (picture.height, picture.width), mode="bilinear")
        assert isinstance(answer, SegmentedImage)
        assert (answer.width, answer.height) == picture.size
        assert (indexes(answer) == enlarged.argmax(1)[0]).float().mean() > 0.999
        assert answer.probabilities is not None
        said = torch.from_numpy(answer.probabilities.array()).movedim(-1, 0)
        size = [max(sides) for sides in zip(scores.shape[2:], said.shape[1:], strict=True)]
        cells = torch.nn.functional.interpolate(scores.softmax(1), size, mode="bilinear")[0]
        cells = torch.nn.functional.adaptive_avg_pool2d(cells, said.shape[1:])
        torch.testing.assert_close(said, cells, rtol=2e-2, atol=2e-3)


@pytest.fixture
def make_masks(pictures: list[str], tmp_path: Path) -> list[Example]:
    """A dark and a light part of each picture."""
    rows = []
    for number, path in enumerate(pictures, 1):
        pixels = (np.arange(80 * 90).reshape(80, 90) % 90 > 20 * number).astype(np.uint8) * 255
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        target = MASK.renamed(MASK.read(str(tmp_path / f"{number}.png"), "mask"), NAMES)
        rows.append(Example(path, target, number))
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("builder", SMALL)
def test_other_classes_are_learnt_and_plain_torchvision_loads_the_result(
    builder: str,
    card: Callable[[str], Card],
    hooks: PluginHooks,
    make_run: Callable[..., TrainingRun],
    make_prediction: Callable[..., PredictionRun],
    make_masks: list[Example],
    pictures: list[str],
    tmp_path: Path,
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    network = published(builder, weights)
    run = make_run(card(builder), weights, task=TASK, image_size=96)
    run = dataclasses.replace(run, train=tuple(make_masks), task=get_task(TASK), labels=LABELS)
    hooks.finetune(run).fit(run)
    (answer,) = hooks.predict(make_prediction(run.card, run.model_folder, task=TASK, batch_size=1)).predict(
        pictures[:1]
    )

    assert isinstance(answer, SegmentedImage)
    assert answer.labels == LABELS
    expected = by_readme(run.model_folder, pictures[0])
    assert (indexes(answer) == expected).float().mean() > 0.999
    state, before = load_file(run.model_folder / "model.safetensors"), network.state_dict()
    first = next(name for name in before if name.startswith("classifier.") and before[name].ndim == 4)
    assert torch.allclose(state[first], before[first], atol=0.01)  # what knows no classes was learnt on
    assert not any(name.startswith("aux") for name in state)


def by_readme(folder: Path, picture: str) -> torch.Tensor:
    """What the lines in the README of a result say."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(picture))
    values: dict[str, torch.Tensor] = {}
    exec(lines.rpartition("for index")[0], values)
    return values["mask"]


@pytest.mark.slow
@pytest.mark.parametrize("builder", BUILDERS)
def test_every_network_learns_a_step_from_random_numbers(
    builder: str,
    card: Callable[[str], Card],
    hooks: PluginHooks,
    make_run: Callable[..., TrainingRun],
    make_masks: list[Example],
) -> None:
    run = make_run(card(f"{builder}-scratch"), task=TASK, image_size=64)
    run = dataclasses.replace(run, train=tuple(make_masks[:2]), task=get_task(TASK), labels=LABELS)
    hooks.finetune(run).fit(run)

    auxiliary = {} if builder.startswith("lraspp") else {"aux_loss": False}
    network = get_model(builder, weights=None, weights_backbone=None, num_classes=2, **auxiliary)
    network.load_state_dict(load_file(run.model_folder / "model.safetensors"))
