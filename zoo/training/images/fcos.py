"""FCOS on feature maps: torchvision's feature pyramid and head, with one loss for each picture.

Tian et al. 2019 (arXiv:1904.01355) in the form of `torchvision.models.detection.FCOS`: every location of every level
says how probable each class is there, how far the sides of a box are, and how near its centre is. torchvision's class
takes lists of pictures of any size and gives the losses of a batch; here pictures are of one size, so that all is
computed at once, and each has a loss of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork, batched_nms, clip_boxes_to_image, generalized_box_iou_loss
from torchvision.ops import sigmoid_focal_loss as focal_loss
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

if TYPE_CHECKING:
    from zoo.training.body import Level

LEVELS = 3
"""Coarsest levels of a body that are used; two more are made of the last (section 3.2: P3 to P5, P6 and P7)."""
CHANNELS = 128
"""Of the pyramid and the head, where the paper has 256: half of it learns as well from hundreds of pictures."""
CONVOLUTIONS = 2
"""Of each branch of the head, where the paper has 4."""
RADIUS = 1.5
"""Strides around the centre of a box within which locations learn it (arXiv:2006.09214, section 3.1)."""
SMALLEST, LARGEST = 4, 8
"""Strides within which the farthest side of a box lies for a level to learn it."""
CANDIDATES = 1000
"""Locations and classes of a level that come to the suppression of doubles; as torchvision has it."""
MAX_DETECTIONS = 100
"""Of a picture."""


class Locations(NamedTuple):
    """Where on a canvas the outputs stand: a square as wide as the stride around each location."""

    boxes: torch.Tensor
    """XYXY, shape (locations, 4)."""
    per_level: tuple[int, ...]
    """Locations of each level."""

    def to(self, device: torch.device) -> Locations:
        """The same on a device."""
        return self if self.boxes.device == device else self._replace(boxes=self.boxes.to(device))

    @property
    def bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Distances of the farthest side that each location learns, from and to, shape (locations,)."""
        strides = self.boxes[:, 2] - self.boxes[:, 0]
        lower, upper = strides * SMALLEST, strides * LARGEST
        lower[: self.per_level[0]] = 0
        upper[-self.per_level[-1] :] = torch.inf
        return lower, upper


class Targets(NamedTuple):
    """What each location of a picture is to say."""

    classes: torch.Tensor
    """Index of the class, -1 for none, shape (locations,)."""
    boxes: torch.Tensor
    """XYXY; of a location without a class its own square, shape (locations, 4)."""


class FcosHead(nn.Module):
    """From the feature maps of a body to what each location says.

    Args:
        levels: of the body; the last `LEVELS` are used.
        classes: how many there are.
    """

    def __init__(self, levels: Sequence[Level], classes: int) -> None:
        super().__init__()
        channels = [level.channels for level in levels[-LEVELS:]]
        self.strides = pyramid_strides(levels)
        self.pyramid = FeaturePyramidNetwork(channels, CHANNELS, LastLevelP6P7(CHANNELS, CHANNELS))
        self.branches = FCOSHead(CHANNELS, 1, classes, CONVOLUTIONS)

    def maps(self, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Those of the pyramid, of `CHANNELS` channels, from those of the body."""
        levels = {str(number): one for number, one in enumerate(maps[-LEVELS:])}
        return list(self.pyramid(levels).values())

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Logits of the classes, distances of four sides in strides, and nearness to the centre.

        Returns:
            Shape (batch, locations, classes + 5).
        """
        said = self.branches(self.maps(maps))
        return torch.cat([said["cls_logits"], said["bbox_regression"], said["bbox_ctrness"]], -1)

    def locations(self, maps: Sequence[torch.Tensor], size: tuple[int, int]) -> Locations:
        """Where the outputs stand, as torchvision's FCOS has it.

        Args:
            maps: of the body, of a canvas of this size.
            size: its width and height.
        """
        pyramid = [one.float() for one in self.maps(maps)]
        anchors = AnchorGenerator(tuple((stride,) for stride in self.strides), ((1.0,),) * len(self.strides))
        (boxes,) = anchors(ImageList(pyramid[0].new_zeros(1, 3, *size[::-1]), [size[::-1]]), pyramid)
        return Locations(boxes, tuple(one.shape[-2] * one.shape[-1] for one in pyramid))


def pyramid_strides(levels: Sequence[Level]) -> tuple[int, ...]:
    """Of the maps of the pyramid, in pixels."""
    last = levels[-1].stride
    return (*(level.stride for level in levels[-LEVELS:]), 2 * last, 4 * last)


def match(locations: Locations, boxes: torch.Tensor, labels: torch.Tensor) -> Targets:
    """Which box each location learns: the smallest of those around it, near its centre and of its level's size.

    Args:
        locations: of the canvas.
        boxes: of one picture, XYXY on the canvas, shape (boxes, 4).
        labels: index of the class of each, shape (boxes,).
    """
    if not len(boxes):
        return Targets(torch.full((len(locations.boxes),), -1), locations.boxes)
    squares = locations.boxes
    places = (squares[:, None, :2] + squares[:, None, 2:]) / 2
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    strides = (squares[:, 2] - squares[:, 0])[:, None]
    near = (places - centres).abs().amax(-1) < RADIUS * strides
    distances = torch.cat([places - boxes[:, :2], boxes[:, 2:] - places], -1)
    farthest = distances.amax(-1)
    lower, upper = locations.bounds
    fits = near & (distances.amin(-1) > 0) & (farthest > lower[:, None]) & (farthest < upper[:, None])
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    smallest, chosen = areas.expand(len(squares), -1).masked_fill(~fits, torch.inf).min(-1)
    learns = smallest.isfinite()
    return Targets(torch.where(learns, labels[chosen], -1), torch.where(learns[:, None], boxes[chosen], squares))


def losses(outputs: torch.Tensor, targets: Targets, locations: Locations) -> tuple[torch.Tensor, torch.Tensor]:
    """Focal loss of the classes, GIoU of the boxes and cross entropy of the nearness, a location that learns a box.

    Args:
        outputs: of the head, float32, shape (batch, locations, classes + 5).
        targets: of each picture, shapes (batch, locations) and (batch, locations, 4).
        locations: of the canvas.

    Returns:
        Losses and their weights, the number of locations that learn a box and at least 1, each of shape (batch,).
    """
    logits, distances, nearness = _parts(outputs)
    learns = targets.classes >= 0
    weights = learns.sum(-1).clamp(min=1)
    truths = torch.zeros_like(logits).scatter_(-1, targets.classes.clamp(min=0)[..., None], learns[..., None].float())
    of_classes = focal_loss(logits, truths).sum((1, 2))
    of_boxes = generalized_box_iou_loss(_boxes(distances, locations.boxes), targets.boxes)
    true_nearness = _nearness(targets.boxes, locations.boxes)
    of_nearness = nn.functional.binary_cross_entropy_with_logits(nearness[..., 0], true_nearness, reduction="none")
    of_locations = torch.where(learns, of_boxes + of_nearness, 0.0).sum(-1)
    return (of_classes + of_locations) / weights, weights.float()


def detect(
    outputs: torch.Tensor, locations: Locations, size: tuple[int, int], *, threshold: float, nms: float
) -> list[torch.Tensor]:
    """What a picture shows by the outputs for it.

    Args:
        outputs: of the head, float32, shape (batch, locations, classes + 5).
        locations: of the canvas.
        size: width and height of the canvas.
        threshold: least score.
        nms: overlap (IoU) with a better one of its class from which on a box is left out.

    Returns:
        For each picture XYXY on the canvas, score and index of the class, best first, shape (at most 100, 6).
    """
    return without_doubles(scored_boxes(outputs, locations, size), locations.per_level, threshold=threshold, nms=nms)


def scored_boxes(outputs: torch.Tensor, locations: Locations, size: tuple[int, int]) -> torch.Tensor:
    """The box of each location, XYXY on the canvas, and how probable each class is there.

    A score is the geometric mean of class and nearness; arguments as those of `detect`.

    Returns:
        Shape (batch, locations, 4 + classes).
    """
    logits, distances, nearness = _parts(outputs)
    scores = (logits.sigmoid() * nearness.sigmoid()).sqrt()
    return torch.cat([clip_boxes_to_image(_boxes(distances, locations.boxes), size[::-1]), scores], -1)


def without_doubles(
    scored: torch.Tensor, per_level: Sequence[int], *, threshold: float, nms: float
) -> list[torch.Tensor]:
    """Of the boxes of all locations those that a picture shows.

    Args:
        scored: as `scored_boxes` gives them.
        per_level: how many there are of each level.
        threshold: as that of `detect`, like the next and what is returned.
        nms: likewise.
    """
    return [_of_picture(one[:, 4:], one[:, :4], per_level, threshold, nms) for one in scored]


def _parts(outputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, distances and nearness, of `classes`, 4 and 1 numbers a location."""
    return outputs[..., :-5], outputs[..., -5:-1], outputs[..., -1:]


def _of_picture(
    scores: torch.Tensor, boxes: torch.Tensor, per_level: Sequence[int], threshold: float, nms: float
) -> torch.Tensor:
    """The best candidates of each level, without doubles."""
    classes = scores.shape[-1]
    candidates, start = [], 0
    for count in per_level:
        level = scores[start : start + count].flatten()
        best = level.topk(min(CANDIDATES, len(level))).indices
        candidates.append(best[level[best] > threshold] + start * classes)
        start += count
    chosen = torch.cat(candidates)
    places, labels = chosen // classes, chosen % classes
    kept = batched_nms(boxes[places], scores.flatten()[chosen], labels, nms)[:MAX_DETECTIONS]
    places, labels, chosen = places[kept], labels[kept], chosen[kept]
    return torch.cat([boxes[places], scores.flatten()[chosen, None], labels[:, None].to(boxes.dtype)], -1)


def _boxes(distances: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """XYXY from the distances of left, top, right and bottom in strides, shape (..., locations, 4)."""
    places = (squares[:, :2] + squares[:, 2:]) / 2
    sides = distances * (squares[:, 2] - squares[:, 0])[:, None]
    return torch.cat([places - sides[..., :2], places + sides[..., 2:]], -1)


def _nearness(boxes: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """1 in the middle of a box, 0 at its edge (equation 3), shape (batch, locations)."""
    places = (squares[:, :2] + squares[:, 2:]) / 2
    before, after = (places - boxes[..., :2]).clamp(min=0), (boxes[..., 2:] - places).clamp(min=0)
    ratios = torch.minimum(before, after) / torch.maximum(before, after).clamp(min=1e-6)
    nearness: torch.Tensor = ratios.prod(-1).sqrt()
    return nearness
