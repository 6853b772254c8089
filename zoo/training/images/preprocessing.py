"""From a picture to what a network sees, for evaluating and predicting: nothing random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from zoo.card import CropMode, ImageInput, Interpolation

LONGEST = 4
"""Longer side that is looked at, in shorter sides; the ends of longer strips are cut off before anything is resized."""


_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Preprocessing:
    """Resize the shorter side, crop the centre, scale to 0..1, normalise: as torchvision publishes it for its
    classifiers (`torchvision.transforms._presets.ImageClassification`).
    """

    size: int
    """Width and height of what the network sees."""
    resize_size: int
    """Shorter side after resizing."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: Interpolation = "bilinear"
    crop_mode: CropMode = "center"
    """`squash`: both sides are resized to `resize_size`."""

    @classmethod
    def of(cls, published: ImageInput) -> Preprocessing:
        """What a card says."""
        size = published.input_size[1]
        return cls(
            size,
            published.resize_size or size,
            published.mean,
            published.std,
            published.interpolation,
            published.crop_mode,
        )

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Preprocessing:
        """What `to_json` wrote."""
        return cls(
            int(document["input_size"][1]),
            int(document["resize_size"]),
            tuple(float(x) for x in document["mean"]),
            tuple(float(x) for x in document["std"]),
            "bicubic" if document.get("interpolation") == "bicubic" else "bilinear",
            "squash" if document.get("crop_mode") == "squash" else "center",
        )

    def at(self, size: int | None) -> Preprocessing:
        """The same at another size: the crop keeps its share of the picture."""
        if size is None:
            return self
        return replace(self, size=size, resize_size=round(self.resize_size * size / self.size))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "input_size": [3, self.size, self.size],
            "resize_size": self.resize_size,
            "interpolation": self.interpolation,
            "crop_mode": self.crop_mode,
            "mean": list(self.mean),
            "std": list(self.std),
        }

    def reduce(self, image: Image.Image) -> Image.Image:
        """The image with a shorter side of at most `resize_size`; what `crop` makes of either is the same."""
        image = self.without_ends(image)
        return self._resized(image) if min(image.size) > self.resize_size else image

    def crop(self, image: Image.Image) -> np.ndarray[Any, Any]:
        """The centre, uint8 of shape (size, size, 3)."""
        image = self._resized(self.without_ends(image))
        # Rounded as torchvision's center_crop does: half to even.
        left, top = round((image.width - self.size) / 2), round((image.height - self.size) / 2)
        return np.asarray(image.crop((left, top, left + self.size, top + self.size)))

    def _resized(self, image: Image.Image) -> Image.Image:
        size = self._resized_size(image.width, image.height)
        return image if size == image.size else image.resize(size, _RESAMPLING[self.interpolation])

    def _resized_size(self, width: int, height: int) -> tuple[int, int]:
        """The shorter side so long, the other rounded down, as torchvision's `resize` does it; or both so long."""
        shorter = self.resize_size
        if self.crop_mode == "squash":
            return shorter, shorter
        if width <= height:
            return shorter, int(shorter * height / width)
        return int(shorter * width / height), shorter

    def without_ends(self, image: Image.Image) -> Image.Image:
        """What is looked at of a strip; all of any other picture."""
        part = self._middle(image.width, image.height)
        return image if part is None else image.crop(part)

    def _middle(self, width: int, height: int) -> tuple[int, int, int, int] | None:
        """Left, upper, right and lower edge of what is looked at; None for all of it."""
        longest = LONGEST * min(width, height)
        if max(width, height) <= longest or self.crop_mode == "squash":
            return None
        kept_width, kept_height = min(width, longest), min(height, longest)
        left, top = (width - kept_width) // 2, (height - kept_height) // 2
        return left, top, left + kept_width, top + kept_height

    def crop_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """The centre, as `crop` gives it but for rounding, computed where the pixels are.

        Args:
            pixels: uint8, shape (height, width, 3).

        Returns:
            Float32 from 0 to 255, shape (size, size, 3).
        """
        height, width = pixels.shape[:2]
        if (part := self._middle(width, height)) is not None:
            left, top, right, bottom = part
            pixels = pixels[top:bottom, left:right]
            height, width = pixels.shape[:2]
        planes = pixels.permute(2, 0, 1).float()
        size = self._resized_size(width, height)
        if size != (width, height):
            planes = scaled(planes, *size, self.interpolation).clamp(0, 255)
            width, height = size
        left, top = round((width - self.size) / 2), round((height - self.size) / 2)
        edges = (-left, left + self.size - width, -top, top + self.size - height)  # less than nothing is cut off
        return nn.functional.pad(planes, edges).permute(1, 2, 0)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Scale and shift channel by channel.

        Args:
            images: uint8, or float32 from 0 to 255 that is used up, shape (batch, height, width, 3).

        Returns:
            float32, shape (batch, 3, height, width), channels last in memory.
        """
        mean, std = (_constant(tuple(values), images.device) for values in (self.mean, self.std))
        return images.permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(std)


@cache
def _constant(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Of each channel, shape (3, 1, 1); copied to the device once, which waits for it."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device).view(3, 1, 1)


def scaled(planes: torch.Tensor, width: int, height: int, interpolation: str) -> torch.Tensor:
    """Scale planes, shape (planes, height, width), with antialiasing, as torchvision does it."""
    size = (height, width)
    scale = nn.functional.interpolate
    return scale(planes[None], size, mode=interpolation, align_corners=False, antialias=True)[0]
