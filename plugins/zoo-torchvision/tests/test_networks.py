"""Every network is taken apart, learns, is saved as torchvision has it, and answers as torchvision answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from zoo_torchvision.cards import CARDS
from zoo_torchvision.networks import ARCHITECTURE, build, take_apart

import zoo
from zoo import Card, PredictionRun, TrainingRun, Unsupported
from zoo.testing import PluginHooks

BUILDERS = sorted({str(card.architecture["builder"]) for card in CARDS})
SMALLEST = {
    "alexnet": 63,
    "vgg11_bn": 32,
    "squeezenet1_1": 32,
    "densenet121": 32,
    "inception_v3": 75,
    "googlenet": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "mnasnet0_5": 32,
    "shufflenet_v2_x0_5": 32,
    "efficientnet_b0": 32,
    "regnet_x_400mf": 32,
    "resnext50_32x4d": 32,
    "convnext_tiny": 32,
    "vit_b_32": None,
    "swin_t": None,
    "maxvit_t": None,
}
"""One network of each family, and the pixels it sees here; None for those that see one size only."""
MakeRun = Callable[..., TrainingRun]
MakePrediction = Callable[..., PredictionRun]


@pytest.mark.slow
@pytest.mark.parametrize("builder", BUILDERS)
def test_every_network_has_a_gradient_everywhere_and_goes_together_again(builder: str, regnets_on_meta: None) -> None:
    """On torch's meta device, that is without numbers: the large ones would take minutes and gigabytes."""
    card = next(card for card in CARDS if card.name == builder)
    size = card.input.input_size[1]
    with torch.device("meta"):
        network = build(_picked(card), 2)
        names = list(network.state_dict())
        body, head = take_apart(builder, network)
        body.train()
        vectors = body(torch.empty(2, 3, size, size))
        pooled = vectors.mean((2, 3)) if vectors.ndim == 4 else vectors
        outputs = nn.Linear(pooled.shape[1], 2)(pooled)
    outputs.sum().backward()

    assert outputs.shape == (2, 2)
    assert [name for name, parameter in body.named_parameters() if parameter.grad is None] == []
    assert len(names) == len(body.state_dict()) + len(head.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize(("builder", "pixels"), SMALLEST.items())
def test_a_network_of_each_family_learns_and_plain_torchvision_loads_the_result(
    builder: str, pixels: int | None, card, hooks: PluginHooks, make_run: MakeRun, make_prediction: MakePrediction
) -> None:
    run = make_run(card(builder), image_size=pixels)
    hooks.finetune(run).fit(run)
    (answer,) = hooks.predict(make_prediction(run.card, run.model_folder)).predict([run.train[0].input])
    logits = by_readme(run.model_folder, run.train[0].input)

    assert isinstance(answer, zoo.Classification)
    probabilities = dict(zip(run.labels, logits[0].softmax(-1).tolist(), strict=True))
    assert {score.label: score.probability for score in answer.scores} == pytest.approx(probabilities, abs=1e-5)


def by_readme(folder: Path, picture: str) -> torch.Tensor:
    """What the lines in the README of a result compute."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(picture))
    values: dict[str, torch.Tensor] = {}
    exec(lines.rpartition("print(")[0], values)
    return values["logits"]


def earlier_name(name: str) -> str:
    """As the published DenseNets have it: `norm.1` for `norm1`."""
    before, dense, after = name.partition("denselayer")
    return before + dense + re.sub("(norm|relu|conv)", r"\1.", after)


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["densenet121", "mnasnet0_5", "googlenet", "mobilenet_v2"])
def test_published_files_are_read_as_torchvision_reads_them(
    builder: str, card, hooks: PluginHooks, make_prediction: MakePrediction, tmp_path: Path, pictures: list[str]
) -> None:
    """Of random numbers, under the published names: DenseNet's older ones, and parts that only help to train."""
    torch.manual_seed(0)
    quick = {"init_weights": False} if builder == "googlenet" else {}
    theirs = torchvision.models.get_model(builder, weights=None, **quick).eval()
    state = {earlier_name(name): tensor for name, tensor in theirs.state_dict().items()}
    (file,) = card(builder).weights.files
    torch.save(state, tmp_path / file.name)
    (answer,) = hooks.predict(make_prediction(card(builder), tmp_path)).predict(pictures[:1])
    preset = torchvision.models.get_model_weights(builder).DEFAULT.transforms()
    if builder == "googlenet":
        theirs.transform_input = True  # as with any of the published weights
    with torch.inference_mode():
        expected = theirs(preset(Image.open(pictures[0]).convert("RGB"))[None]).softmax(-1)[0]

    assert isinstance(answer, zoo.Classification)
    mine = {score.label: score.probability for score in answer.scores}
    for label, probability in list(zip(card(builder).labels, expected.tolist(), strict=True))[::50]:
        assert mine[label] == pytest.approx(probability, abs=1e-5)


@pytest.mark.parametrize(
    ("builder", "size", "message"),
    [
        ("vit_b_32", 96, "vit_b_32 sees images of 224 pixels, not of 96"),
        ("maxvit_t", 96, "maxvit_t sees images of 224 pixels, not of 96"),
        ("alexnet", 32, "alexnet needs images of at least 63 pixels, not 32"),
        ("inception_v3", 64, "inception_v3 needs images of at least 75 pixels, not 64"),
    ],
)
def test_a_size_that_a_network_cannot_see_is_refused(
    builder: str, size: int, message: str, card, hooks: PluginHooks, make_run: MakeRun
) -> None:
    with pytest.raises(Unsupported) as caught:
        hooks.finetune(make_run(card(builder), image_size=size))
    assert caught.value.message == message


def _picked(card: Card) -> dict[str, object]:
    return {name: card.architecture[name] for name in ARCHITECTURE}
