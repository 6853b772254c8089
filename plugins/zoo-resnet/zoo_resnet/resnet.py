"""ResNet as a network: torchvision's ResNet, with a stem of its own for small images."""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision.models import resnet18, resnet34, resnet50, resnet101, resnet152
from torchvision.models.resnet import BasicBlock, ResNet

from zoo import StoreInvalid

STAGES = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
"""Submodules from input to pooling: the stem and the four stages of He et al. 2015 (arXiv:1512.03385), table 1."""
BLOCKS = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
"""What runs one after the other up to the pooling."""
HEAD = "fc."
"""Begins the names of the head's tensors."""
ARCHITECTURE = ("builder", "stem")
"""Entries of a card's `architecture` that a network is built from."""


def resnet10(**arguments: Any) -> ResNet:
    """One basic block in each stage: for small images and little time."""
    return ResNet(BasicBlock, [1, 1, 1, 1], **arguments)


_BUILDERS = {
    "resnet10": resnet10,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet101": resnet101,
    "resnet152": resnet152,
}


def build(architecture: dict[str, Any], num_classes: int) -> ResNet:
    """A network of random numbers, drawn from torch's global generator.

    Args:
        architecture: `builder` names the depth; `stem` is `imagenet`, or `small` for a 3x3 first convolution of
            stride 1 without max-pooling, as He et al. 2015 (section 4.2) begin for 32-pixel images.
        num_classes: outputs; 0 leaves the head out, so that the pooled features come out, shape (batch, features).

    Raises:
        StoreInvalid: there is no such architecture.
    """
    builder, stem = _BUILDERS.get(str(architecture.get("builder"))), architecture.get("stem")
    if builder is None or stem not in ("imagenet", "small"):
        raise StoreInvalid(f"{architecture} is no ResNet that is known here", f"known: {', '.join(_BUILDERS)}")
    network = builder(num_classes=max(1, num_classes))
    if stem == "small":
        network.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        network.maxpool = nn.Identity()  # type: ignore[assignment]  # a module is all that forward needs
    if num_classes == 0:
        network.fc = nn.Identity()  # type: ignore[assignment]
    return network


def freeze(network: ResNet, stages: int) -> None:
    """Leave the first so many of `STAGES` as they are."""
    for names in STAGES[:stages]:
        for name in names:
            network.get_submodule(name).requires_grad_(False)
