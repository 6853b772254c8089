"""The decoder of a U-Net on the feature maps of any body; needs torch alone, and goes into the README of a result."""

from __future__ import annotations

import torch
from torch import nn


class UNetHead(nn.Module):
    """From a picture and its feature maps to a score of each class at each pixel.

    Ronneberger et al. 2015 (arXiv:1505.04597): a map is enlarged, the next finer one is laid beside it, and two
    convolutions see both. The body is the contracting path; the picture itself is the finest map.

    Args:
        channels: of the maps, finest first.
        stride: of the finest map, in pixels.
        classes: how many there are.
    """

    def __init__(self, channels: list[int], stride: int, classes: int) -> None:
        super().__init__()
        widths = [min(64 * 2**level, 256, count) for level, count in enumerate(channels)]
        self.steps = nn.ModuleList()
        before = channels[-1]
        for count, width in zip(channels[-2::-1], widths[-2::-1], strict=True):
            self.steps.append(self.convolutions(before + count, width))
            before = width
        self.between = nn.ModuleList()
        while stride > 2:
            self.between.append(self.convolutions(before, 32))
            before, stride = 32, stride // 2
        self.picture = self.convolutions(3, 16)
        self.last = nn.Sequential(self.convolutions(before + 16, 16), nn.Conv2d(16, classes, 1))

    @staticmethod
    def convolutions(inputs: int, outputs: int) -> nn.Sequential:
        """Two, each with a norm that does not depend on the size of the batch."""
        layers: list[nn.Module] = []
        for count in (inputs, outputs):
            groups = 8 if outputs % 8 == 0 else 1
            layers += [nn.Conv2d(count, outputs, 3, padding=1, bias=False), nn.GroupNorm(groups, outputs), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Take the picture, normalised, and its feature maps, finest first.

        Returns:
            Shape (batch, classes, height, width).
        """
        images, *finer, features = maps
        for step, level in zip(self.steps, finer[::-1], strict=True):
            features = step(torch.cat([self.enlarged(features, level), level], 1))
        for step in self.between:
            features = step(nn.functional.interpolate(features, scale_factor=2.0, mode="bilinear"))
        features = torch.cat([self.enlarged(features, images), self.picture(images)], 1)
        scores: torch.Tensor = self.last(features)
        return scores

    @staticmethod
    def enlarged(features: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Features of the height and width of others."""
        return nn.functional.interpolate(features, like.shape[-2:], mode="bilinear")
