"""The image processors of transformers: what a picture is scaled to, and what a network is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image

from zoo import Rejected, StoreInvalid, Unsupported
from zoo.training.images.annotated import AnnotatedImage
from zoo.training.transformers_network import SAFE
from zoo_transformers.pictures import FILE

LEAST_SIDE = 16
"""Of what a network sees, in pixels: a patch of YOLOS."""
MOST_SIDE = 16_384
"""Likewise: a strip whose shorter side is scaled to 224 pixels would fill the memory."""
_EDGES = ("shortest_edge", "longest_edge")
_SIDES = ("height", "width")


def read_processor(folder: Path) -> Any:
    """The image processor of a model.

    Raises:
        StoreInvalid: it cannot be read.
    """
    try:
        return transformers.AutoImageProcessor.from_pretrained(folder, **SAFE)
    except Exception as error:  # the libraries raise bare ones
        raise StoreInvalid(f"{folder / FILE} cannot be read: {str(error)[:300]}", "fetch it again") from error


@dataclass(frozen=True)
class ProcessorFrame:
    """The size at which a processor scales a picture."""

    processor: Any
    fill: tuple[int, int, int] = (0, 0, 0)
    """Of what lies beside a picture: what the processors fill up with."""

    def scaled_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height, of a picture of a width and a height."""
        stated = dict(self.processor.size)
        if all(side in stated for side in _SIDES):
            return stated["width"], stated["height"]
        if "shortest_edge" not in stated:  # the processor may fit pictures into sides
            return size
        shorter, longer = stated["shortest_edge"], stated.get("longest_edge") or max(size) * stated["shortest_edge"]
        scale = min(shorter / min(size), longer / max(size))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def filled_up(self, annotated: AnnotatedImage) -> AnnotatedImage:
        """As it is: a batch fills up what lies beside it."""
        return annotated


def rejected_as_narrow(processor: Any, size: tuple[int, int]) -> Rejected | None:
    """Why a picture cannot be shown to a network; None where it can.

    Args:
        processor: of transformers.
        size: width and height of the picture.
    """
    seen = ProcessorFrame(processor).scaled_size(size)
    if min(seen) >= LEAST_SIDE and max(seen) <= MOST_SIDE:
        return None
    return Rejected(
        f"it is too narrow for the network: {size[0]} x {size[1]} pixels, which it would see as {seen[0]} x {seen[1]}"
    )


def set_size(processor: Any, name: str, size: int | None) -> None:
    """Let pictures be seen at another size.

    Args:
        processor: of transformers; its size is changed.
        name: of the model, for messages.
        size: longer side in pixels; None leaves it.

    Raises:
        Unsupported: it scales pictures otherwise than to edges or sides.
    """
    stated = dict(processor.size)
    if all(side in stated for side in _SIDES):
        processor.size = stated if size is None else {"height": size, "width": size}
        return
    if "shortest_edge" not in stated:
        raise Unsupported(f"{name} sees pictures as zoo does not learn from them ({FILE})", "choose another model")
    if size is not None:
        longer = stated.get("longest_edge") or stated["shortest_edge"]
        shorter = max(1, round(stated["shortest_edge"] * size / longer))
        processor.size = dict(zip(_EDGES, (shorter, size), strict=True))


def scaled(processor: Any, image: Image.Image) -> torch.Tensor:
    """A picture as a processor scales it, uint8 of shape (height, width, 3)."""
    shown = processor(images=[image], do_rescale=False, do_normalize=False, do_pad=False, return_tensors="pt")
    pixels: torch.Tensor = shown["pixel_values"][0]
    return pixels.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()


def normalised(processor: Any, images: torch.Tensor) -> torch.Tensor:
    """Pixels as a network sees them.

    Args:
        processor: says how.
        images: uint8 of shape (batch, height, width, 3).

    Returns:
        float32 of shape (batch, 3, height, width).
    """
    pixels = images.permute(0, 3, 1, 2).float()
    if processor.do_rescale:
        pixels = pixels * processor.rescale_factor
    if not processor.do_normalize:
        return pixels
    mean, std = (torch.tensor(one, device=images.device).view(3, 1, 1) for one in _statistics(processor))
    return (pixels - mean) / std


def _statistics(processor: Any) -> tuple[Sequence[float], Sequence[float]]:
    return list(processor.image_mean), list(processor.image_std)
