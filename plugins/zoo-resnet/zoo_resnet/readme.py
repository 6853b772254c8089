"""How to use a result without zoo; goes into its README."""

from __future__ import annotations

from zoo.training.images import ImageConfig, MapSources, torchvision_readme

_STEM = """
model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
model.maxpool = torch.nn.Identity()"""
_RESNET10 = "torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes={classes})"
_OTHERS = "torchvision.models.{builder}(num_classes={classes})"
_HEADLESS = "\nmodel.fc = torch.nn.Identity()"


def readme_of(config: ImageConfig, sources: MapSources) -> str:
    """Of a network with a head, or without.

    Args:
        config: of the result.
        sources: of its feature maps.
    """
    builder = config.architecture["builder"]
    classes = config.head.outputs if config.head else 1
    call = (_RESNET10 if builder == "resnet10" else _OTHERS).format(builder=builder, classes=classes)
    stem = _STEM if config.architecture["stem"] == "small" else ""
    return torchvision_readme(config, f"model = {call}{stem}{'' if config.head else _HEADLESS}", sources)
