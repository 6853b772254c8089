"""Fine-tuning torchvision's own detectors: torchvision's losses picture by picture, and results that it loads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torchvision.models import WeightsEnum, get_model, get_model_weights
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from zoo_torchvision.detectors.cards import DETECTORS
from zoo_torchvision.detectors.families import detector_family
from zoo_torchvision.detectors.sampling import SeededSampler
from zoo_torchvision.detectors.training import DetectorTraining

from tests.training.images.resuming import assert_resumes_to_the_same
from tests.training.images.tiny import StartedRun
from zoo import Box, Card, Detections, Example, PredictionRun, TrainingRun, Unsupported
from zoo.runs.events import Noted
from zoo.tasks import get_task
from zoo.testing import PluginHooks

pytestmark = pytest.mark.slow
TASK = "object-detection"
FROM_SCRATCH = [card.name for card in DETECTORS if card.weights is None]
COLOURS = {"cat": (220, 40, 40), "dog": (40, 60, 220)}
SMALLEST = ("ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn")
MakeRun = Callable[..., TrainingRun]


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, ...]:
    """Pictures of two sizes, with none to two squares."""
    folder = tmp_path_factory.mktemp("squares")
    draw, examples = np.random.default_rng(0), []
    for row, count in enumerate((1, 0, 2, 1), 1):
        width, height = ((120, 90), (90, 100))[row % 2]
        pixels = draw.integers(90, 160, (height, width, 3), dtype=np.uint8)
        boxes = []
        for place, (label, colour) in zip(range(count), COLOURS.items(), strict=False):
            left, top = 5 + 40 * place, 10 + 5 * row
            pixels[top : top + 35, left : left + 35] = colour
            boxes.append(Box(left=left, top=top, right=left + 35, bottom=top + 35, label=label))
        path = folder / f"{row}.png"
        Image.fromarray(pixels).save(path)
        examples.append(Example(str(path), tuple(boxes), row))
    return tuple(examples)


@pytest.fixture
def training(make_run: MakeRun, rows: tuple[Example, ...], card: Callable[[str], Card]) -> MakeRun:
    """A training of a detector on them; of one that sees pictures of any size, at a small one."""

    def make(name: str, weights: Path | None = None, **options: Any) -> TrainingRun:
        run = make_run(card(name), weights, **(options if name.startswith("ssd") else {"image_size": 96} | options))
        return dataclasses.replace(run, train=rows, eval=rows[:2], task=get_task(TASK))

    return make


def batch_of(
    objective: DetectorTraining, rows: tuple[Example, ...], *, training: bool = True
) -> dict[str, torch.Tensor]:
    return objective.collate(objective.features(rows), range(10, 10 + len(rows)), training=training)


@pytest.mark.parametrize(
    "name",
    [f"{name}-scratch" for name in SMALLEST] + ["fcos_resnet50_fpn-scratch", "retinanet_resnet50_fpn_v2-scratch"],
)
def test_losses_are_those_of_torchvision(name: str, training: MakeRun, rows: tuple[Example, ...]) -> None:
    """Over a batch, as torchvision reduces them; what it draws at random is drawn from the seeds of the pictures.

    Two stages are asked for each picture alone: those are of one size, so that nothing lies beside them in the batch.
    """
    objective = DetectorTraining(training(name, crop_scale=1.0))
    batch = batch_of(objective, rows[::2] if name.startswith("fasterrcnn") else rows[:1] + rows[2:])
    network = objective.module.detector.train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    output = objective.losses(objective.module, batch)
    pictures = [
        image[:h, :w].permute(2, 0, 1) / 255
        for image, (w, h) in zip(batch["images"], batch["seen"].tolist(), strict=True)
    ]
    targets = [
        {"boxes": one[one[:, 0] >= 0][:, 1:], "labels": one[one[:, 0] >= 0][:, 0].long() + 1} for one in batch["boxes"]
    ]
    if hasattr(network, "roi_heads"):
        alone = []
        for picture, target, seed in zip(pictures, targets, batch["seeds"].tolist(), strict=True):
            network.rpn.fg_bg_sampler.seed = network.roi_heads.fg_bg_sampler.seed = seed
            alone.append(sum(network([picture], [target]).values()))
        expected = sum(alone) / len(alone)
    else:
        expected = sum(network(pictures, targets).values())

    mean = (output.losses * output.weights).sum() / output.weights.sum()
    assert mean.item() == pytest.approx(expected.item(), rel=1e-3)
    assert output.losses.isfinite().all()


@pytest.mark.parametrize("name", FROM_SCRATCH)
def test_every_detector_takes_a_step_and_plain_torchvision_finds_the_same_boxes(
    name: str,
    training: MakeRun,
    hooks: PluginHooks,
    make_prediction: Callable[..., PredictionRun],
    rows: tuple[Example, ...],
) -> None:
    run = training(name, batch_size=1 if name.startswith("ssd300") else 2)
    result = hooks.finetune(run).fit(run)
    predictor = hooks.predict(make_prediction(run.card, run.model_folder, task=TASK, threshold=0.001, batch_size=1))
    (answer,) = predictor.predict([rows[0].input])
    found = by_readme(run.model_folder, rows[0].input)

    assert {"loss", "map", "ap50"} <= result.metrics.keys()
    assert isinstance(answer, Detections)
    named = [i for i, label in enumerate(found["labels"].tolist()) if label]
    assert [one.label for one in answer.detections] == [("cat", "dog")[found["labels"][i] - 1] for i in named]
    boxes = torch.tensor([[one.left, one.top, one.right, one.bottom] for one in answer.detections]).view(-1, 4)
    torch.testing.assert_close(boxes, found["boxes"][named], rtol=1e-5, atol=1e-3)


def by_readme(folder: Path, picture: str) -> dict[str, torch.Tensor]:
    """What the lines in the README of a result find, with a lower threshold: one step teaches little."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(picture))
    lines = lines.replace("score_thresh=0.4", "score_thresh=0.001")
    values: dict[str, Any] = {}
    exec(lines.rpartition("for box")[0], values)
    return {name: tensor[:100] for name, tensor in values["found"].items()}


def published_file(name: str, card: Callable[[str], Card], folder: Path) -> dict[str, torch.Tensor]:
    """Random numbers under the name of the file that torchvision publishes."""
    torch.manual_seed(1)
    state: dict[str, torch.Tensor] = get_model(name, weights=None, weights_backbone=None).state_dict()
    torch.save(state, folder / card(name).weights.files[0].name)
    return state


@pytest.mark.parametrize(
    ("name", "method"), [(SMALLEST[0], "full"), (SMALLEST[1], "head"), ("maskrcnn_resnet50_fpn", "full")]
)
def test_published_weights_get_a_new_head_and_keep_norms_and_first_layers(
    name: str, method: str, training: MakeRun, card: Callable[[str], Card], tmp_path: Path
) -> None:
    """What finds the masks of a Mask R-CNN is left out."""
    folder = tmp_path / "published"
    folder.mkdir()
    before = published_file(name, card, folder)
    events: list[Any] = []
    run = dataclasses.replace(training(name, folder, batch_size=2, lr=1e-3, method=method), emit=events.append)
    DetectorTraining(run).fit(run)
    after = load_file(run.model_folder / "model.safetensors")
    family = detector_family(name)
    changed = {key for key, tensor in after.items() if not (key in before and tensor.equal(before[key]))}

    assert [event.message for event in events if isinstance(event, Noted)] == [
        "the head is new: boxes of 2 labels, the weights had boxes of 80 labels"
    ]
    assert set(after) == {key for key in before if not key.startswith("roi_heads.mask_")}
    assert not [key for key in changed if key.startswith(family.kept) or "running" in key or key.endswith("bn1.weight")]
    assert {key for key in after if key.startswith(family.head) and after[key].ndim > 1} <= changed
    assert any(key.startswith("backbone.") for key in changed) == (method == "full")


@pytest.mark.parametrize("name", [card.name for card in DETECTORS if card.weights])
def test_the_layers_that_are_kept_are_those_of_torchvision(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On torch's meta device; batch norms, which it freezes in some networks and trains in others, all stay here."""
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda *_, **__: {})
    monkeypatch.setattr(nn.Module, "load_state_dict", lambda *_, **__: None)
    with torch.device("meta"):
        network = get_model(name, weights=get_model_weights(name).DEFAULT)
    kept = detector_family(name).kept

    frozen = {key for key, parameter in network.named_parameters() if not parameter.requires_grad}
    assert frozen == {key for key, _ in network.named_parameters() if kept and key.startswith(kept)}


@pytest.mark.parametrize(("name", "method"), [(SMALLEST[0], "full"), (SMALLEST[1], "full"), (SMALLEST[1], "lora")])
def test_resume_equals_never_having_stopped(name: str, method: str, training: MakeRun, tmp_path: Path) -> None:
    def start(folder: Path, stop_after: int | None = None) -> StartedRun:
        asked = iter(range(10_000))
        run = training(f"{name}-scratch", batch_size=2, micro_batch_size=1, max_steps=3, eval_steps=2, method=method)
        run = dataclasses.replace(run, train=run.train[:2], eval=run.eval[:1])
        stops = dataclasses.replace(
            run, folder=folder, should_stop=lambda: stop_after is not None and next(asked) >= stop_after
        )
        folder.mkdir(parents=True, exist_ok=True)
        return StartedRun(stops, [])

    assert_resumes_to_the_same(start, DetectorTraining, tmp_path, stop_after=5)


def test_what_is_drawn_of_a_picture_depends_on_its_seed_alone() -> None:
    sampler = SeededSampler(BalancedPositiveNegativeSampler(batch_size_per_image=64, positive_fraction=0.25))
    labels = torch.tensor([1.0] * 40 + [0.0] * 400 + [-1.0] * 60)
    drawn = []
    for seed in (5, 6, 5):
        sampler.seed = seed
        torch.rand(1)
        (positive,), (negative,) = sampler([labels])
        drawn.append(positive + 2 * negative)
        assert (int(positive.sum()), int(negative.sum())) == (16, 48)
        assert not positive[40:].any()
        assert not negative[:40].any()
        assert not negative[440:].any()

    assert drawn[0].equal(drawn[2])
    assert not drawn[0].equal(drawn[1])


@pytest.mark.parametrize("name", [*SMALLEST, "fcos_resnet50_fpn"])
def test_pictures_without_boxes_are_learnt_from(name: str, training: MakeRun, rows: tuple[Example, ...]) -> None:
    empty = tuple(Example(one.input, (), one.row) for one in rows[:2])
    run = dataclasses.replace(training(f"{name}-scratch", batch_size=2), train=empty, eval=empty)
    result = DetectorTraining(run).fit(run)

    assert result.metrics.keys() == {"loss"}


@pytest.mark.parametrize("name", SMALLEST)
def test_an_evaluation_judges_what_is_predicted(
    name: str,
    training: MakeRun,
    hooks: PluginHooks,
    make_prediction: Callable[..., PredictionRun],
    rows: tuple[Example, ...],
) -> None:
    """Pictures of two sizes, each computed alone and in its own pixels."""
    run = training(f"{name}-scratch", batch_size=2, eval_steps=5)
    hooks.finetune(run).fit(run)
    again = dataclasses.replace(run, weights=run.model_folder, card=make_prediction(run.card, run.model_folder).card)
    objective = DetectorTraining(again)
    objective.module.eval()
    batch = objective.collate(objective.features(rows[:2]), (1, 2), training=False)
    with torch.inference_mode():
        judged = objective.losses(objective.module, batch).for_metrics["answers"]
    predictor = hooks.predict(make_prediction(run.card, run.model_folder, task=TASK, threshold=0.05))
    answers = predictor.predict([one.input for one in rows[:2]])

    assert sum(len(answer.detections) for answer in answers) > 10
    for mine, answer in zip(judged, answers, strict=True):
        expected = [
            (one.left, one.top, one.right, one.bottom, one.score, run.labels.index(one.label))
            for one in answer.detections
        ]
        torch.testing.assert_close(mine[mine[:, 5] >= 0], torch.tensor(expected), rtol=1e-4, atol=1e-3)


def test_a_size_that_a_network_is_not_made_for_is_refused(training: MakeRun) -> None:
    with pytest.raises(Unsupported) as caught:
        DetectorTraining(training("ssd300_vgg16-scratch", image_size=320))
    assert caught.value.message == "ssd300_vgg16 sees images of 300 pixels, not of 320"
