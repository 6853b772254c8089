"""Networks are torchvision's, and weights that do not fit are refused in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from zoo_resnet.body import ResnetBody
from zoo_resnet.resnet import build, freeze

from zoo import StoreInvalid, TrainingRun
from zoo.training.weights import fill

SMALL = {"builder": "resnet10", "stem": "small"}


@pytest.mark.parametrize("builder", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
def test_the_imagenet_stem_gives_torchvisions_own_network(builder: str) -> None:
    with torch.device("meta"):
        ours = build({"builder": builder, "stem": "imagenet"}, 1000).state_dict()
        theirs = getattr(torchvision.models, builder)().state_dict()

    assert {name: tensor.shape for name, tensor in ours.items()} == {n: t.shape for n, t in theirs.items()}


def test_the_small_stem_keeps_the_resolution_of_small_images() -> None:
    network = build(SMALL, 10).eval()
    shapes = []
    network.layer1.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape)))

    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert shapes == [(2, 64, 32, 32)]


def test_without_classes_the_pooled_features_come_out() -> None:
    assert build(SMALL, 0).eval()(torch.zeros(2, 3, 8, 8)).shape == (2, 512)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StoreInvalid, match=r"do not fit the network: .*layer1\.1"):
        fill(build({"builder": "resnet18", "stem": "small"}, 3), build(SMALL, 3).state_dict())
    with pytest.raises(StoreInvalid, match="do not fit the network"):
        fill(build(SMALL, 3), build(SMALL, 4).state_dict())
    with pytest.raises(StoreInvalid, match="no ResNet that is known here"):
        build({"builder": "resnet7", "stem": "small"}, 3)


@pytest.mark.parametrize(("stages", "learning"), [(0, "conv1.weight"), (1, "layer1.0.conv1.weight"), (5, "fc.weight")])
def test_freezing_leaves_the_stages_after(stages: int, learning: str) -> None:
    network = build(SMALL, 3)
    freeze(network, stages)

    assert next(name for name, parameter in network.named_parameters() if parameter.requires_grad) == learning


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("resnet18-scratch", [(64, 4), (128, 8), (256, 16), (512, 32)]),
        ("resnet50-scratch", [(256, 4), (512, 8), (1024, 16), (2048, 32)]),
        ("resnet10-32px", [(64, 1), (128, 2), (256, 4), (512, 8)]),
    ],
)
def test_a_body_gives_a_feature_map_of_each_stage(
    name: str, levels: list[tuple[int, int]], make_run: Callable[..., TrainingRun]
) -> None:
    body = ResnetBody(make_run(name))
    maps = body.feature_maps(body.module, torch.zeros(2, 3, 64, 96))

    assert body.module.training
    assert [tuple(level) for level in body.levels] == levels
    assert [tuple(one.shape) for one in maps] == [(2, width, 64 // step, 96 // step) for width, step in levels]
