"""Detectors of transformers with one loss for each picture: their own losses, asked for pictures one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from zoo.training.objectives.boxes import NOTHING

LAYERS_FIRST = ("conditional_detr", "detr", "yolos")
"""Architectures that stack what their layers say as (layers, batch, ...); others as (batch, layers, ...)."""
_STACKED = ("outputs_class", "outputs_coord")
_NAMES = ("logits", "labels", "device", "pred_boxes", "config", *_STACKED)
"""Of the arguments that losses take by their place."""


class LearningDetector(nn.Module):
    """A detector that says what each picture of a batch costs.

    Args:
        network: a `...ForObjectDetection`; the function that computes its loss is replaced.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.detector = network
        self._of_batch = network.loss_function
        self._layers_first = network.config.model_type in LAYERS_FIRST
        network.loss_function = self._of_pictures

    def forward(self, pixels: torch.Tensor, sizes: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Losses of pictures, shape (batch,), and the outputs.

        Args:
            pixels: normalised, in the upper left corner of what has room for each, (batch, 3, height, width).
            sizes: width and height of each, shape (batch, 2).
            boxes: index of the class and XYXY in its pixels, filled up with -1, shape (batch, boxes, 5).
        """
        height, width = pixels.shape[-2:]
        across = torch.arange(width, device=sizes.device)[None, None] < sizes[:, :1, None]
        down = torch.arange(height, device=sizes.device)[None, :, None] < sizes[:, 1:, None]
        inputs = {"pixel_values": pixels}
        if self.detector.config.model_type == "yolos":  # it does not look away from what is beside a picture
            sizes = torch.tensor([[width, height]], device=sizes.device).expand_as(sizes)
        else:
            inputs["pixel_mask"] = (across & down).long()
        labels = [_target(rows[rows[:, 0] != NOTHING], size) for rows, size in zip(boxes, sizes, strict=True)]
        outputs = self.detector(**inputs, labels=labels)
        return outputs.loss, outputs

    def _of_pictures(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, None, None]:
        """In place of the loss of a batch: those of its pictures, shape (batch,)."""
        named = dict(zip(_NAMES, args, strict=False)) | kwargs
        values = [self._of_batch(**self._only(named, number))[0] for number in range(len(named["labels"]))]
        return torch.stack([value.float() for value in values]), None, None

    def _only(self, arguments: Mapping[str, Any], number: int) -> dict[str, Any]:
        """What the loss of one picture takes, of what that of a batch takes."""
        return {name: self._part(name, value, number) for name, value in arguments.items()}

    def _part(self, name: str, value: Any, number: int) -> Any:
        one = slice(number, number + 1)
        if name == "labels":
            return value[one]
        if name == "denoising_meta_values" and value is not None:
            return {**value, "dn_positive_idx": value["dn_positive_idx"][one]}
        if not isinstance(value, torch.Tensor):
            return value
        value = value.float() if value.is_floating_point() else value
        return value[:, one] if name in _STACKED and self._layers_first else value[one]


def _target(rows: torch.Tensor, size: torch.Tensor) -> dict[str, torch.Tensor]:
    """Classes, and boxes as DETR has them: centre, width and height in sides of the picture."""
    corners = rows[:, 1:] / size.repeat(2)
    centres, sides = (corners[:, 2:] + corners[:, :2]) / 2, corners[:, 2:] - corners[:, :2]
    return {"class_labels": rows[:, 0].long(), "boxes": torch.cat([centres, sides], 1)}


def box_counts(boxes: torch.Tensor) -> torch.Tensor:
    """How many boxes each picture has, at least one: what its loss is the mean of.

    Args:
        boxes: filled up with -1, shape (batch, boxes, 5).
    """
    return (boxes[:, :, 0] != NOTHING).sum(1).clamp(min=1)


def stacked(pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    """Pixels of pictures in the upper left corner of what has room for each, (batch, height, width, 3)."""
    height, width = (max(one.shape[axis] for one in pictures) for axis in (0, 1))
    room = pictures[0].new_zeros(len(pictures), height, width, 3)
    for place, pixels in zip(room, pictures, strict=True):
        place[: pixels.shape[0], : pixels.shape[1]] = pixels
    return room
