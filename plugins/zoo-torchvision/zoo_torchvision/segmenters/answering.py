"""Predicting with published weights: pictures as torchvision shows them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor, resize

from zoo import Prediction, PredictionRun, SegmentedImage
from zoo.training.body import Network
from zoo.training.images import ImagePredictor
from zoo.training.images.segmenting import class_indexes, picture_and_maps, probabilities_on_grid

if TYPE_CHECKING:
    from zoo_torchvision.segmenters.body import SegmenterBody


class _ScaledPicture(NamedTuple):
    pixels: torch.Tensor
    """uint8 of shape (height, width, 3)."""
    size: tuple[int, int]
    """Width and height as the picture is shown."""


class PublishedSegmenter(ImagePredictor[_ScaledPicture]):
    """A network that sees pictures scaled to one shorter side; those that are computed together are of one size.

    Args:
        run: its options are those of images.
        body: of published weights.
    """

    def __init__(self, run: PredictionRun, body: SegmenterBody) -> None:
        super().__init__(run)
        self._says_probabilities = run.options.probabilities
        assert body.head_config is not None
        self._labels, self._side = body.head_config.labels, body.canvas_side
        head = body.mask_head(len(self._labels))
        self._network = Network(body.module, head, picture_and_maps(body)).to(self.device, self.dtype).eval()

    def prepare(self, image: Image.Image) -> _ScaledPicture:
        """Scale it as torchvision does."""
        scaled: Any = resize(image, [self._side])  # type: ignore[arg-type]  # it takes pictures, too
        return _ScaledPicture(pil_to_tensor(scaled).permute(1, 2, 0), image.size)

    def compute(self, images: list[_ScaledPicture]) -> list[Prediction]:
        """Give the pixels of a few pictures their classes."""
        answers: list[Prediction] = []
        for _, group in groupby(images, key=lambda image: image.pixels.shape):
            pictures = list(group)
            batch = torch.stack([one.pixels for one in pictures]).to(self.device)
            with torch.inference_mode():
                scores = self._network(images=batch).float()
            answers += [self._answer(one, picture.size) for one, picture in zip(scores, pictures, strict=True)]
        return answers

    def _answer(self, scores: torch.Tensor, size: tuple[int, int]) -> SegmentedImage:
        """From the scores of the scaled picture, shape (classes, height, width)."""
        indexes = class_indexes(scores, (scores.shape[2], scores.shape[1]), size)
        table = probabilities_on_grid(scores.softmax(0), self._labels) if self._says_probabilities else None
        return SegmentedImage.of_indexes(indexes.cpu().numpy(), self._labels, table)
