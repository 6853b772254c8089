"""Layers in 8 bits compute nearly what they do in float32."""

from __future__ import annotations

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
