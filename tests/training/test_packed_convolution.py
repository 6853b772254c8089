"""Layers in 8 bits compute nearly what they do in float32."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from zoo.training import Linear
from zoo.training.packed_convolution import quantized

pytestmark = pytest.mark.skipif(
    not hasattr(torch.ops.onednn, "qconv_pointwise"), reason="torch has no such convolutions here"
)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        nn.SiLU(),
        nn.Conv2d(32, 32, 3, padding=1, groups=32),
        nn.Conv2d(32, 24, 1, dilation=1),
        nn.Conv2d(24, 24, 3, padding="same"),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(96, 40),
        Linear(40, 10, bias=False),
    )
    return layers.eval().to(memory_format=torch.channels_last)


@pytest.mark.parametrize("batch", [1, 5])
def test_a_network_answers_nearly_the_same(batch: int) -> None:
    images = torch.randn(batch, 3, 20, 24).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected, actual = network()(images), quantized(network())(images)
    assert torch.nn.functional.cosine_similarity(actual, expected).min() > 0.999


def test_layers_that_gain_nothing_stay() -> None:
    kinds = [type(layer).__name__ for layer in quantized(network()) if not isinstance(layer, nn.ReLU)]
    assert kinds == [
        "_Convolution",
        "_Convolution",
        "SiLU",
        "Conv2d",
        "_Convolution",
        "Conv2d",
        "AdaptiveAvgPool2d",
        "Flatten",
        "_Linear",
        "_Linear",
    ]


def swin(version: int) -> nn.Module:
    swins = pytest.importorskip("torchvision.models.swin_transformer")
    sizes: dict[str, Any] = {"patch_size": [4, 4], "embed_dim": 32, "depths": [1, 1], "num_heads": [2, 2]}
    parts = {"block": swins.SwinTransformerBlockV2, "downsample_layer": swins.PatchMergingV2} if version == 2 else {}
    network: nn.Module = swins.SwinTransformer(**sizes, window_size=[4, 4], num_classes=8, **parts)
    return network


def of_timm(name: str, **sizes: Any) -> nn.Module:
    network: nn.Module = pytest.importorskip("timm").create_model(name, num_classes=8, **sizes)
    return network


@pytest.mark.parametrize("name", ["swin", "swin v2", "beit", "eva", "vit"])
def test_networks_that_multiply_with_the_weights_of_a_layer_themselves(name: str) -> None:
    torch.manual_seed(0)
    small = {"img_size": 64, "patch_size": 16, "embed_dim": 48, "depth": 2, "num_heads": 2}
    make = {
        "swin": lambda: swin(1),
        "swin v2": lambda: swin(2),
        "beit": lambda: of_timm("beit_base_patch16_224", **small),
        "eva": lambda: of_timm("eva02_tiny_patch14_224", **small),
        "vit": lambda: of_timm("vit_tiny_patch16_224", **small),
    }
    network, image = make[name]().eval(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        expected = network(image)
        actual = quantized(network)(image)
    assert torch.nn.functional.cosine_similarity(actual, expected).min() > 0.99


def test_the_weights_of_a_layer_are_those_it_multiplies_with() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(70, 30)
    (packed,) = quantized(nn.Sequential(layer))
    step = layer.weight.detach().abs().amax(1, keepdim=True) / 127
    torch.testing.assert_close(packed.weight, (layer.weight.detach() / step).round() * step)
