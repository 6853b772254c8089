"""Predicting: the boxes that a head on feature maps finds in pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from PIL import Image
from torch import nn
from torchvision.ops import clip_boxes_to_image

from zoo.answers import Detection, Detections, Prediction
from zoo.errors import Unsupported
from zoo.training.body import Layout, Network
from zoo.training.head import DETECTION
from zoo.training.images.annotated import AnnotatedImage, Canvas, reduced, reduced_size
from zoo.training.images.answering import ImagePredictor
from zoo.training.images.fcos import MAX_DETECTIONS, FcosHead, Locations, scored_boxes, without_doubles

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun
    from zoo.training.images.body import ImageBody

THRESHOLD = 0.4
"""Least score of a box that is given where nothing is said of it."""
JUDGED_THRESHOLD = 0.05
"""The same in an evaluation: average precision looks at what is unlikely, too."""
NMS = 0.6
"""Overlap (IoU) from which on the worse of two boxes of a class goes; that of torchvision's FCOS."""


class BoxScale(NamedTuple):
    """From a picture to the canvas, and back."""

    width: int
    """Of the picture as it is shown."""
    height: int
    placed: tuple[int, int]
    """Width and height on the canvas."""

    @classmethod
    def of(cls, canvas: Canvas, size: Sequence[int], side: int) -> BoxScale:
        """That of a picture of a width and a height."""
        width, height = size
        return cls(width, height, canvas.scaled_size(reduced_size((width, height), side)))

    def back(self, boxes: torch.Tensor) -> torch.Tensor:
        """Boxes in pixels of the picture, without what lies beside it.

        Args:
            boxes: XYXY on the canvas and more, shape (boxes, 4 and more).
        """
        scale = boxes.new_tensor([self.width / self.placed[0], self.height / self.placed[1]]).repeat(2)
        corners = clip_boxes_to_image(boxes[:, :4] * scale, (self.height, self.width))
        within = (corners[:, 2:] > corners[:, :2]).all(1)
        return torch.cat([corners, boxes[:, 4:]], 1)[within]


class _PlacedPicture(NamedTuple):
    pixels: torch.Tensor
    """Of the canvas, uint8 of shape (height, width, 3)."""
    scale: BoxScale


class DetectionPredictor(ImagePredictor[_PlacedPicture]):
    """A network that says what is where; boxes are in pixels of the picture as it is shown.

    Args:
        run: its options are those of images and of answering with boxes.
        body: whose weights have a head for boxes.
        layout: how names of a network's tensors begin, and how the weights have them begin.
        network: what computes in the place of both, from the pixels of canvases to `scored_boxes`.
    """

    def __init__(
        self,
        run: PredictionRun,
        body: ImageBody,
        layout: Layout,
        network: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        config = body.config
        if config.head is None or config.canvas is None or config.head.problem_type != DETECTION:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        super().__init__(run)
        options, self._labels, self._side = run.options, config.head.labels, max(config.canvas)
        self._threshold = THRESHOLD if options.threshold is None else options.threshold
        self._nms, self._limit = NMS if options.nms is None else options.nms, options.top_k or MAX_DETECTIONS
        self._canvas, self._preprocessing = body.canvas(config.canvas), config.preprocessing
        own, self._locations = network_of(body, layout, self.device, self.dtype)
        self._network = network or self._own_network(own)

    def _own_network(self, network: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        """The body and the head of its weights."""
        return lambda images: scored_boxes(network(images=images).float(), self._locations, self._canvas.size)

    def prepare(self, image: Image.Image) -> _PlacedPicture:
        """Place it on the canvas."""
        scale = BoxScale.of(self._canvas, image.size, self._side)
        placed = self._canvas.place(AnnotatedImage(reduced(image, self._side)))
        return _PlacedPicture(placed.pixels(), scale)

    def compute(self, images: list[_PlacedPicture]) -> list[Prediction]:
        """Find the boxes of a few pictures."""
        batch = torch.stack([one.pixels for one in images]).to(self.device)
        with torch.inference_mode():
            scored, per_level = self._network(batch), self._locations.per_level
            detections = without_doubles(scored, per_level, threshold=self._threshold, nms=self._nms)
        return [self._answer(boxes.cpu(), one.scale) for boxes, one in zip(detections, images, strict=True)]

    def _answer(self, boxes: torch.Tensor, scale: BoxScale) -> Detections:
        rows = scale.back(boxes)[: self._limit].tolist()
        return detections_of(rows, self._labels, (scale.width, scale.height))


def network_of(
    body: ImageBody, layout: Layout, device: torch.device, dtype: torch.dtype
) -> tuple[nn.Module, Locations]:
    """A body and the head for boxes of its weights, and where on the canvas its outputs stand.

    Args:
        body: whose weights have one.
        layout: how names of a network's tensors begin, and how the weights have them begin.
        device: that it computes on.
        dtype: that it computes in.
    """
    config = body.config
    assert config.head is not None
    assert config.canvas is not None
    head = FcosHead(body.levels, len(config.head.labels))
    body.fill_head(head, config.head, layout)
    network = Network(body.module, head, body.maps).to(device, dtype).eval()
    empty = torch.zeros(1, *config.canvas[::-1], 3, dtype=torch.uint8, device=device)
    with torch.inference_mode():
        locations = head.locations(body.maps(body.module, {"images": empty}), body.canvas(config.canvas).size)
    return network, locations


def detections_of(rows: Iterable[Sequence[float]], labels: Sequence[str], size: tuple[int, int]) -> Detections:
    """The answer that boxes make.

    Args:
        rows: of each box XYXY in pixels of the picture, its score and the index of its label, the best first.
        labels: of the model.
        size: width and height of the picture.
    """
    detections = tuple(
        Detection(left, top, right, bottom, labels[int(index)], score)
        for left, top, right, bottom, score, index in rows
    )
    return Detections(detections=detections, width=size[0], height=size[1])
