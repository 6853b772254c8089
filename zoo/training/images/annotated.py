"""Pictures with what is marked in them, boxes or a mask: scaled, placed and augmented together.

All transforms are torchvision's (`torchvision.transforms.v2`), whose kernels keep boxes and masks beside their picture.
Their random classes are not used: those draw from torch's global generator, and batches are made in threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import torch
from PIL import Image
from torchvision import tv_tensors as _tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as _functional

functional: Any = _functional  # names of both modules are public, and not listed
tv_tensors: Any = _tv_tensors
TRIES = 10
"""Parts drawn before the whole picture is taken: a part counts where it holds the centre of a box, if there is any."""
WHOLE = 0.5
"""Share of the views of a picture with boxes that show all of it (Carion et al. 2020, arXiv:2005.12872, appendix A.4).
A part shows things larger than an evaluation does: seen in parts alone, small things are found less often."""
SLENDER = 0.75
"""Most of a cut's logarithm that falls to one side; the other has the rest."""
KEPT = 2
"""Longest side of a picture that is kept, in sides of the canvas: parts of it are seen larger than the whole."""
IGNORED = 255
"""In a mask: no class, and of no account; what lies beside the picture is it, too."""

OUTSIDE = -2.0
"""Where pixels come from that lie beside a picture."""


class AnnotatedImage(NamedTuple):
    """A picture with its boxes, its mask, or neither."""

    image: Image.Image
    """RGB."""
    boxes: torch.Tensor | None = None
    """`tv_tensors.BoundingBoxes`, XYXY in pixels of the picture, float32 of shape (boxes, 4)."""
    labels: torch.Tensor | None = None
    """Index of the class of each box, shape (boxes,)."""
    mask: torch.Tensor | None = None
    """`tv_tensors.Mask`: index of the class of each pixel, uint8 of shape (height, width)."""
    places: torch.Tensor | None = None
    """`tv_tensors.Mask`: where each pixel comes from, float32 of shape (2, height, width): x and y from -1 to 1 over
    the picture, and `OUTSIDE` beside it."""

    @classmethod
    def with_boxes(cls, image: Image.Image, boxes: torch.Tensor, labels: torch.Tensor) -> Self:
        """A picture with boxes.

        Args:
            image: RGB.
            boxes: XYXY in pixels, shape (boxes, 4).
            labels: index of the class of each, shape (boxes,).
        """
        size = (image.height, image.width)
        in_place = tv_tensors.BoundingBoxes(boxes.view(-1, 4).float(), format="XYXY", canvas_size=size)
        return cls(image, in_place, labels)

    @classmethod
    def with_mask(cls, image: Image.Image, mask: np.ndarray[Any, Any]) -> Self:
        """A picture with a mask, uint8 of shape (height, width)."""
        return cls(image, mask=tv_tensors.Mask(torch.from_numpy(np.ascontiguousarray(mask))))

    @classmethod
    def with_places(cls, size: tuple[int, int]) -> Self:
        """A black picture of some width and height, whose views say where they come from."""
        x, y = (torch.linspace(1 / side - 1, 1 - 1 / side, side) for side in size)
        places = torch.stack([x.expand(size[1], -1), y[:, None].expand(-1, size[0])])
        return cls(Image.new("RGB", size), places=tv_tensors.Mask(places))

    def changed(self, change: Callable[..., Any], *args: Any, fill: tuple[int, ...] | None = None) -> Self:
        """What a function of `torchvision.transforms.v2.functional` makes of picture, boxes and mask alike.

        Args:
            change: the function.
            args: of it, after the first one.
            fill: colour of pixels that had none before; None where there are no such. Masks are `IGNORED` there.
        """
        colour: dict[str, Any] = {} if fill is None else {"fill": list(fill)}
        ignored, outside = ({} if fill is None else {"fill": value} for value in (IGNORED, OUTSIDE))
        return self._replace(
            image=change(self.image, *args, **colour),
            boxes=None if self.boxes is None else change(self.boxes, *args),
            mask=None if self.mask is None else change(self.mask, *args, **ignored),
            places=None if self.places is None else change(self.places, *args, **outside),
        )

    def sanitised(self) -> Self:
        """Its boxes cut off at the edges, without those of which less than a pixel is left."""
        if self.boxes is None or self.labels is None:
            return self
        boxes, valid = functional.sanitize_bounding_boxes(functional.clamp_bounding_boxes(self.boxes))
        return self._replace(boxes=boxes, labels=self.labels[valid])

    def pixels(self) -> torch.Tensor:
        """Of the picture, uint8 of shape (height, width, 3)."""
        return torch.from_numpy(np.array(self.image))


class Frame(Protocol):
    """At which size a network sees a picture."""

    @property
    def fill(self) -> tuple[int, int, int]:
        """Colour of pixels that had none before."""
        ...

    def scaled_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height that a picture of some width and height is seen at."""
        ...

    def filled_up(self, annotated: AnnotatedImage) -> AnnotatedImage:
        """A picture of such a size, with what lies beside it."""
        ...


@dataclass(frozen=True)
class Canvas:
    """The size in which a network sees all pictures: each is scaled to fit, and lies in the upper left corner."""

    width: int
    """In pixels."""
    height: int
    fill: tuple[int, int, int]
    """Colour of what lies beside a picture."""

    @classmethod
    def of(cls, sizes: Iterable[tuple[int, int]], longer: int, stride: int, mean: Iterable[float]) -> Self:
        """One of the usual shape of some pictures.

        Args:
            sizes: width and height of each.
            longer: side of the canvas, in pixels.
            stride: both sides are multiples of it.
            mean: of each channel, 0 to 1; what a network takes for nothing.
        """
        widths, heights = zip(*sizes, strict=True)
        width, height = median(widths), median(heights)
        scale = longer / max(width, height)
        sides = [max(1, math.ceil(round(side * scale) / stride)) * stride for side in (width, height)]
        red, green, blue = (round(255 * value) for value in mean)
        return cls(sides[0], sides[1], (red, green, blue))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    def place(self, annotated: AnnotatedImage) -> AnnotatedImage:
        """Scale to fit, and fill up (letter box)."""
        return self.filled_up(annotated.changed(functional.resize, self.scaled_size(annotated.image.size)[::-1]))

    def scaled_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height that a picture has on the canvas."""
        scale = min(self.width / size[0], self.height / size[1])
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def filled_up(self, annotated: AnnotatedImage) -> AnnotatedImage:
        """A picture that fits, with its colour beside it."""
        right, bottom = self.width - annotated.image.width, self.height - annotated.image.height
        if not right and not bottom:
            return annotated
        return annotated.changed(functional.pad, [0, 0, right, bottom], fill=self.fill)


def reduced_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Width and height of a picture as it is kept for a canvas: no longer than `KEPT` times a side of that."""
    factor = KEPT * side / max(size)
    return size if factor >= 1 else (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))


def reduced(image: Image.Image, side: int) -> Image.Image:
    """The picture as it is kept for a canvas of a longer side."""
    size = reduced_size(image.size, side)
    return image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)


@dataclass(frozen=True)
class AnnotatedAugmentation:
    """What training sees of a picture and its marks: a part, mirrored, turned, coloured; each a function of a seed.

    Pictures with boxes are seen in parts half of the time, and whole otherwise.
    """

    frame: Frame
    crop_scale: float
    """Smallest share of the area. As a part fills the frame like the whole, things are seen in several sizes."""
    flip: bool
    rotate: float
    """Degrees, either way; a box becomes the one around the turned one."""
    jitter: float
    """Largest relative change of brightness, contrast and saturation."""

    def __call__(self, annotated: AnnotatedImage, seed: int) -> AnnotatedImage:
        """Draw one view, in the frame."""
        random = np.random.default_rng(seed)
        left, top, width, height = self._part(annotated, random)
        annotated = _without_centres_outside(annotated, left, top, width, height)
        size = self.frame.scaled_size((width, height))
        view = annotated.changed(functional.resized_crop, top, left, height, width, size[::-1])
        if self.rotate:
            angle = random.uniform(-self.rotate, self.rotate)
            view = view.changed(_rotated, angle, fill=self.frame.fill)
        if self.flip and random.random() < 0.5:
            view = view.changed(functional.horizontal_flip)
        if self.jitter:
            view = view._replace(image=self._coloured(view.image, random))
        return self.frame.filled_up(view.sanitised())

    def _part(self, annotated: AnnotatedImage, random: np.random.Generator) -> tuple[int, int, int, int]:
        """Left, top, width and height of a part that holds the centre of a box (Liu et al. 2016, section 2.2)."""
        whole = annotated.image.size
        if annotated.boxes is not None and random.random() < WHOLE:
            return 0, 0, *whole
        for _ in range(TRIES):
            area, share = random.uniform(self.crop_scale, 1), random.uniform(1 - SLENDER, SLENDER)
            sides = (whole[0] * area**share, whole[1] * area ** (1 - share))
            width, height = (max(1, round(side)) for side in sides)
            left, top = (int(random.integers(0, most + 1)) for most in (whole[0] - width, whole[1] - height))
            if not _count(annotated) or _centres_within(annotated, left, top, width, height).any():
                return left, top, width, height
        return 0, 0, *whole

    def _coloured(self, image: Image.Image, random: np.random.Generator) -> Image.Image:
        factors = random.uniform(1 - self.jitter, 1 + self.jitter, 3).tolist()
        changes = (functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation)
        for change, factor in zip(changes, factors, strict=True):
            image = change(image, factor)
        return image


def _rotated(value: Any, angle: float, **fill: Any) -> Any:
    """Pictures are interpolated; boxes and masks are as torchvision has them."""
    if isinstance(value, Image.Image):
        fill = {"interpolation": InterpolationMode.BILINEAR, **fill}
    return functional.rotate(value, angle, **fill)


def _count(annotated: AnnotatedImage) -> int:
    return 0 if annotated.boxes is None else len(annotated.boxes)


def _centres_within(annotated: AnnotatedImage, left: int, top: int, width: int, height: int) -> torch.Tensor:
    """Of which boxes the centre lies in a part, shape (boxes,)."""
    assert annotated.boxes is not None
    boxes = annotated.boxes.as_subclass(torch.Tensor)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    start = torch.tensor([left, top])
    return ((centres >= start) & (centres <= start + torch.tensor([width, height]))).all(1)


def _without_centres_outside(annotated: AnnotatedImage, left: int, top: int, width: int, height: int) -> AnnotatedImage:
    """The same with those boxes alone whose centre lies in a part."""
    if annotated.boxes is None or annotated.labels is None:
        return annotated
    inside = _centres_within(annotated, left, top, width, height)
    boxes = tv_tensors.wrap(annotated.boxes[inside], like=annotated.boxes)
    return annotated._replace(boxes=boxes, labels=annotated.labels[inside])
