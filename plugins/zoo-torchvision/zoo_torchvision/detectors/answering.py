"""Predicting: the boxes that torchvision's own network finds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from PIL import Image
from torchvision.transforms.functional import convert_image_dtype, pil_to_tensor

from zoo import Prediction, PredictionRun
from zoo.training.images import ImagePredictor
from zoo.training.images.detecting import THRESHOLD, detections_of
from zoo.training.images.fcos import MAX_DETECTIONS
from zoo_torchvision.detectors.config import DetectorConfig
from zoo_torchvision.detectors.networks import filled, published_state


class DetectorPredictor(ImagePredictor[torch.Tensor]):
    """A network of torchvision's, which scales pictures itself and gives boxes in their pixels.

    Pictures that are computed together are of one size: torchvision would fill up smaller ones, and what it finds in a
    picture would depend on the others.

    Args:
        run: its options are `DetectorPredictOptions`, and those of answering with boxes.
    """

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run)
        config = DetectorConfig.of(run.card, run.weights)
        state = published_state(run.card, run.weights, run.cache_folder)
        self._network, self._outputs = filled(config, state).to(self.device).eval(), config.outputs
        options = run.options
        settle(
            self._network,
            threshold=THRESHOLD if options.threshold is None else options.threshold,
            nms=options.nms,
            limit=options.top_k or MAX_DETECTIONS,
        )

    def prepare(self, image: Image.Image) -> torch.Tensor:
        """Its pixels, uint8 of shape (3, height, width)."""
        return pil_to_tensor(image)

    def compute(self, images: list[torch.Tensor]) -> Sequence[Prediction]:
        """Find the boxes of a few pictures."""
        answers: list[Prediction] = []
        for _, group in groupby(images, key=lambda image: image.shape):
            pictures = list(group)
            batch = [convert_image_dtype(picture.to(self.device), torch.float32) for picture in pictures]
            low = self.dtype != torch.float32
            with torch.inference_mode(), torch.autocast(self.device.type, self.dtype if low else None, enabled=low):
                found = self._network(batch)
            answers += [
                answer(one, self._outputs, picture.shape[-2:]) for one, picture in zip(found, pictures, strict=True)
            ]
        return answers


def settle(network: Any, *, threshold: float, nms: float | None, limit: int) -> None:
    """Set which boxes a network gives.

    Args:
        network: of torchvision.
        threshold: least score.
        nms: overlap (IoU) from which on the worse of two boxes of a class is left out; None for what torchvision has.
        limit: most boxes of a picture.
    """
    part = getattr(network, "roi_heads", network)
    part.score_thresh, part.detections_per_img = threshold, limit
    part.nms_thresh = part.nms_thresh if nms is None else nms


def answer(found: dict[str, torch.Tensor], outputs: Sequence[str], size: Sequence[int]) -> Prediction:
    """What a network says of a picture; boxes of an output that stands for no class are left out.

    Args:
        found: `boxes`, XYXY in pixels of the picture, `scores` and `labels`, numbers of outputs; the best first.
        outputs: the class of each.
        size: height and width of the picture.
    """
    columns = zip(found["boxes"].tolist(), found["scores"].tolist(), found["labels"].tolist(), strict=True)
    rows = [(*corners, score, index) for corners, score, index in columns if outputs[index]]
    return detections_of(rows, outputs, (size[1], size[0]))
