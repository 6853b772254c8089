"""Predicting: the class of each pixel of a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from PIL import Image
from torch import nn

from zoo.answers import Prediction, ProbabilityTable, SegmentedImage
from zoo.errors import Unsupported
from zoo.training.body import Network
from zoo.training.head import SEGMENTATION, HeadConfig
from zoo.training.images.annotated import AnnotatedImage, Canvas, reduced, reduced_size
from zoo.training.images.answering import ImagePredictor
from zoo.training.objective import Batch

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun
    from zoo.training.images.body import ImageBody

GRID = 128
"""Rows and columns of the cells that probabilities are told of."""
LEAST = 1e-5
"""Smaller probabilities are told as 0, which takes less room."""
MOST_SCORES = 1 << 26
"""Scores of classes up to which they are enlarged to the picture before the best is taken, which gives finer edges."""


class _PlacedPicture(NamedTuple):
    pixels: torch.Tensor
    """Of the canvas, uint8 of shape (height, width, 3)."""
    placed: tuple[int, int]
    """Width and height on the canvas."""
    size: tuple[int, int]
    """Width and height as the picture is shown."""


class SegmentationPredictor(ImagePredictor[_PlacedPicture]):
    """A network that gives each pixel a class; a picture is seen whole, on a canvas, and answered in its own size.

    Args:
        run: its options are those of images.
        body: whose weights have a head for masks.
        network: what computes in the place of both, from the pixels of canvases to scores of the classes.
    """

    def __init__(
        self, run: PredictionRun, body: ImageBody, network: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> None:
        config = body.config
        if config.head is None or config.canvas is None or config.head.problem_type != SEGMENTATION:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        super().__init__(run)
        self._says_probabilities = run.options.probabilities
        self._labels, self._side = config.head.labels, max(config.canvas)
        self._canvas = body.canvas(config.canvas)
        self._network = network or self._own_network(body, config.head)

    def _own_network(self, body: ImageBody, head_config: HeadConfig) -> Callable[[torch.Tensor], torch.Tensor]:
        """The body and the head of its weights."""
        head = body.mask_head(len(self._labels))
        body.fill_head(head, head_config, body.mask_layout)
        network = Network(body.module, head, picture_and_maps(body)).to(self.device, self.dtype).eval()
        return lambda images: network(images=images)

    def prepare(self, image: Image.Image) -> _PlacedPicture:
        """Place it on the canvas."""
        placed = self._canvas.place(AnnotatedImage(reduced(image, self._side)))
        return _PlacedPicture(placed.pixels(), placed_size(self._canvas, image.size, self._side), image.size)

    def compute(self, images: list[_PlacedPicture]) -> list[Prediction]:
        """Give the pixels of a few pictures their classes."""
        batch = torch.stack([one.pixels for one in images]).to(self.device)
        with torch.inference_mode():
            scores = self._network(batch).float()
            return [self._answer(one, picture) for one, picture in zip(scores, images, strict=True)]

    def _answer(self, scores: torch.Tensor, picture: _PlacedPicture) -> SegmentedImage:
        """From the scores on the canvas, shape (classes, height, width)."""
        indexes = class_indexes(scores, picture.placed, picture.size)
        table = None
        if self._says_probabilities:
            width, height = picture.placed
            table = probabilities_on_grid(scores[:, :height, :width].softmax(0), self._labels)
        return SegmentedImage.of_indexes(indexes.cpu().numpy(), self._labels, table)


def placed_size(canvas: Canvas, size: tuple[int, int], side: int) -> tuple[int, int]:
    """Width and height on the canvas of a picture, by its width and height.

    Args:
        canvas: where it lies.
        size: of the picture as it is shown.
        side: longer side of the canvas.
    """
    return canvas.scaled_size(reduced_size(size, side))


def class_indexes(scores: torch.Tensor, placed: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """The class of each pixel of a picture as it is shown.

    Args:
        scores: on the canvas, float32 of shape (classes, height, width).
        placed: width and height of the picture on the canvas.
        size: width and height of the picture.

    Returns:
        Indexes, uint8 of shape (height, width).
    """
    scores, shape = scores[None, :, : placed[1], : placed[0]], (size[1], size[0])
    if scores.shape[1] * size[0] * size[1] <= MOST_SCORES:
        return nn.functional.interpolate(scores, shape, mode="bilinear").argmax(1)[0].to(torch.uint8)
    best = scores.argmax(1, keepdim=True).to(torch.uint8)
    return nn.functional.interpolate(best, shape, mode="nearest-exact")[0, 0]


def probabilities_on_grid(probabilities: torch.Tensor, labels: tuple[str, ...]) -> ProbabilityTable:
    """What an answer says of the cells of a grid that is laid over a picture, each the mean over its pixels.

    Args:
        probabilities: of the classes, float32 of shape (classes, height, width), of the picture alone.
        labels: of the classes.
    """
    size = [max(side, GRID) for side in probabilities.shape[1:]]
    enlarged = nn.functional.interpolate(probabilities[None], size, mode="bilinear")[0]
    cells = nn.functional.adaptive_avg_pool2d(enlarged, GRID)
    cells = cells.where(cells >= LEAST, 0.0).permute(1, 2, 0)
    return ProbabilityTable.of(cells.cpu().numpy(), labels)


def picture_and_maps(body: ImageBody) -> Callable[[nn.Module, Batch], list[torch.Tensor]]:
    """What such a head sees: the picture, normalised, and its feature maps."""

    def seen(module: nn.Module, batch: Batch) -> list[torch.Tensor]:
        images = body.normalised(module, batch)
        return [images, *body.feature_maps(module, images)]

    return seen
