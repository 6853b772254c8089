"""What training sees of a picture: a random part of it, perhaps mirrored, turned, lighter or darker."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

RATIO = 4 / 3
"""Most that the sides of a crop differ, either way (Szegedy et al. 2014, arXiv:1409.4842, section 6)."""
TRIES = 10
"""Crops drawn before the centre is taken: of a long strip few shapes fit."""
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R BT.601 luma, which `Image.convert("L")` uses, too."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Augmentation:
    """Random changes that leave the label as it is; each is a function of a seed."""

    size: int
    """Width and height of what comes out."""
    crop_scale: float
    """Smallest share of the area."""
    flip: bool
    rotate: float
    """Degrees, either way."""
    jitter: float
    """Largest relative change of brightness, contrast and saturation."""
    grey: float = 0.0
    """Probability that colour is taken away (Chen et al. 2020, arXiv:2002.05709, appendix A)."""

    def __call__(self, image: Image.Image, seed: int) -> Pixels:
        """Draw one view; uint8 of shape (size, size, 3)."""
        random = np.random.default_rng(seed)
        box = _box(image.size, self.crop_scale, random)
        view = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box, reducing_gap=None)
        if self.rotate:
            view = view.rotate(random.uniform(-self.rotate, self.rotate), Image.Resampling.BILINEAR)
        pixels = np.asarray(view)
        if self.flip and random.random() < 0.5:
            pixels = pixels[:, ::-1]
        return self._coloured(pixels, random) if self.jitter or self.grey else pixels

    def _coloured(self, pixels: Pixels, random: np.random.Generator) -> Pixels:
        brightness, contrast, saturation = random.uniform(1 - self.jitter, 1 + self.jitter, 3)
        colours = pixels.astype(np.float32) * np.float32(brightness)
        mean = (colours @ GREY).mean()
        colours = (colours - mean) * np.float32(contrast) + mean
        if random.random() < self.grey:
            saturation = 0.0
        luma = (colours @ GREY)[..., None]
        colours = luma + (colours - luma) * np.float32(saturation)
        rounded: Pixels = colours.round().clip(0, 255).astype(np.uint8)
        return rounded


def _box(size: tuple[int, int], least: float, random: np.random.Generator) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a random part: its area a share of at least `least`, its shape within `RATIO`."""
    width, height = size
    for _ in range(TRIES):
        area = random.uniform(least, 1) * width * height
        ratio = math.exp(random.uniform(-1, 1) * math.log(RATIO))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= width and h <= height:
            left, top = random.uniform(0, width - w), random.uniform(0, height - h)
            return left, top, left + w, top + h
    w, h = min(width, height * RATIO), min(height, width * RATIO)
    left, top = (width - w) / 2, (height - h) / 2
    return left, top, left + w, top + h
