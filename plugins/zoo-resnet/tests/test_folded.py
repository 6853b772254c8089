"""What a folded network answers is what torchvision's modules answer."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torchvision.models.resnet import ResNet
from zoo_resnet.folded import FoldedResNet
from zoo_resnet.resnet import build

CPU = torch.device("cpu")


def network(builder: str, stem: str, num_classes: int = 7) -> ResNet:
    """One whose batch norms have seen something."""
    torch.manual_seed(0)
    net = build({"builder": builder, "stem": stem}, num_classes).eval()
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.normal_(std=0.1)
            norm.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)
    return net


def images(count: int, size: int) -> torch.Tensor:
    """Channels last, as the predictor makes them."""
    return torch.randn(count, size, size, 3, generator=torch.Generator().manual_seed(1)).permute(0, 3, 1, 2)


@pytest.fixture(params=[True, False], ids=["as here", "without oneDNN"])
def _processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr("zoo_resnet.folded.onednn_is_faster", lambda tensor: False)


@pytest.mark.usefixtures("_processor")
@pytest.mark.parametrize("builder", ["resnet10", "resnet18", pytest.param("resnet50", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("stem", "size"), [("imagenet", 64), ("small", 32)])
@torch.inference_mode()
def test_outputs_are_those_of_the_modules_whatever_the_batch(builder: str, stem: str, size: int) -> None:
    plain = network(builder, stem)
    folded = FoldedResNet(copy.deepcopy(plain), CPU, "fp32")
    for count in (1, 5, 2):
        batch = images(count, size)
        before = batch.clone()
        torch.testing.assert_close(folded(batch), plain(batch), atol=1e-4, rtol=1e-4)
        assert torch.equal(before, batch)
    torch.testing.assert_close(folded(images(3, 96)), plain(images(3, 96)), atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("_processor")
@torch.inference_mode()
def test_half_precision_is_near_and_features_need_no_head() -> None:
    plain = network("resnet50", "imagenet", num_classes=0)
    expected = plain(images(4, 64))
    features = FoldedResNet(copy.deepcopy(plain), CPU, "bf16")(images(4, 64).bfloat16())
    assert torch.bfloat16 == features.dtype
    assert (4, 2048) == features.shape
    assert nn.functional.cosine_similarity(expected, features.float()).min() > 0.999


@pytest.mark.skipif(not hasattr(torch.ops.onednn, "qconv_pointwise"), reason="torch has no such convolutions here")
def test_8_bits_give_nearly_the_same_features() -> None:
    plain = network("resnet18", "small", num_classes=0)
    folded = FoldedResNet(copy.deepcopy(plain), CPU, "int8")
    with torch.inference_mode():
        expected, actual = plain(images(4, 32)), folded(images(4, 32))
    assert nn.functional.cosine_similarity(actual, expected).min() > 0.99
