"""torchvision's families of image classifiers: what each is called, who described it, and where its head is."""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """What the networks of one family have in common."""

    name: str
    """Of the family, as cards have it."""
    title: str
    paper: str
    head: str
    """The module that tells classes apart, the last with weights."""
    one_size: bool = False
    """Whether the network sees images of one size only."""
    has_bias: bool = True
    """Whether the head has biases; without any it cannot say numbers around a mean."""
    classes_only: bool = False
    """Whether the outputs are never below zero, so that they can be the scores of classes and nothing else."""
    trunk: tuple[str, ...] = ()
    """What runs one after the other and gives feature maps; the children of a module that stands alone. Empty where
    there are none that lie evenly over a picture of any size."""
    beside: int = 0
    """How many of these, the last, widen the maps for the head only (1x1 convolutions), and give none."""
    channels_last: bool = False
    """Whether the trunk gives (batch, height, width, channels)."""


_RESNET = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_REGNET = ("stem", *(f"trunk_output.block{stage}" for stage in range(1, 5)))
_FAMILIES = {
    "alexnet": Family("alexnet", "AlexNet", "https://arxiv.org/abs/1404.5997", "classifier.6"),
    "vgg": Family("vgg", "VGG", "https://arxiv.org/abs/1409.1556", "classifier.6", trunk=("features",)),
    "squeezenet": Family(
        "squeezenet", "SqueezeNet", "https://arxiv.org/abs/1602.07360", "classifier.1", classes_only=True
    ),
    "densenet": Family("densenet", "DenseNet", "https://arxiv.org/abs/1608.06993", "classifier", trunk=("features",)),
    "inception": Family("inception", "Inception v3", "https://arxiv.org/abs/1512.00567", "fc"),
    "googlenet": Family("googlenet", "GoogLeNet", "https://arxiv.org/abs/1409.4842", "fc"),
    "mobilenet_v2": Family(
        "mobilenet", "MobileNet v2", "https://arxiv.org/abs/1801.04381", "classifier.1", trunk=("features",), beside=1
    ),
    "mobilenet_v3": Family(
        "mobilenet", "MobileNet v3", "https://arxiv.org/abs/1905.02244", "classifier.3", trunk=("features",), beside=1
    ),
    "mnasnet": Family(
        "mnasnet", "MNASNet", "https://arxiv.org/abs/1807.11626", "classifier.1", trunk=("layers",), beside=3
    ),
    "shufflenet": Family(
        "shufflenet",
        "ShuffleNet v2",
        "https://arxiv.org/abs/1807.11164",
        "fc",
        trunk=("conv1", "maxpool", "stage2", "stage3", "stage4"),
    ),
    "efficientnet_b": Family(
        "efficientnet",
        "EfficientNet",
        "https://arxiv.org/abs/1905.11946",
        "classifier.1",
        trunk=("features",),
        beside=1,
    ),
    "efficientnet_v2": Family(
        "efficientnet",
        "EfficientNet v2",
        "https://arxiv.org/abs/2104.00298",
        "classifier.1",
        trunk=("features",),
        beside=1,
    ),
    "regnet": Family("regnet", "RegNet", "https://arxiv.org/abs/2003.13678", "fc", trunk=_REGNET),
    "resnext": Family("resnext", "ResNeXt", "https://arxiv.org/abs/1611.05431", "fc", trunk=_RESNET),
    "wide_resnet": Family("wide-resnet", "Wide ResNet", "https://arxiv.org/abs/1605.07146", "fc", trunk=_RESNET),
    "convnext": Family("convnext", "ConvNeXt", "https://arxiv.org/abs/2201.03545", "classifier.2", trunk=("features",)),
    "vit": Family("vit", "Vision Transformer", "https://arxiv.org/abs/2010.11929", "heads.head", one_size=True),
    "swin_v2": Family(
        "swin",
        "Swin Transformer v2",
        "https://arxiv.org/abs/2111.09883",
        "head",
        trunk=("features",),
        channels_last=True,
    ),
    "swin": Family(
        "swin", "Swin Transformer", "https://arxiv.org/abs/2103.14030", "head", trunk=("features",), channels_last=True
    ),
    "maxvit": Family(
        "maxvit", "MaxViT", "https://arxiv.org/abs/2204.01697", "classifier.5", one_size=True, has_bias=False
    ),
}
"""By how the names of their builders begin; the first that fits counts."""


def family_of(builder: str) -> Family:
    """The family of a network.

    Args:
        builder: name of the function of torchvision that builds it.

    Raises:
        KeyError: it is of none of these.
    """
    for beginning, family in _FAMILIES.items():
        if builder.startswith(beginning):
            return family
    raise KeyError(builder)
