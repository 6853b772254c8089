"""Detectors of transformers: whole networks, and what they find in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from torchvision.ops import batched_nms, clip_boxes_to_image

from zoo import Prediction, PredictionRun
from zoo.training.images.detecting import THRESHOLD, detections_of
from zoo.training.images.fcos import MAX_DETECTIONS
from zoo.training.transformers_network import load_network, read_config
from zoo_transformers.processor_predictor import ProcessorPredictor

HEADS = (
    "class_labels_classifier",
    "bbox_predictor",
    "model.decoder.class_embed",
    "model.decoder.bbox_embed",
    "model.enc_score_head",
    "model.enc_bbox_head",
    "model.denoising_class_embed",
)
"""Names of what says what is where, and where; a network has some of them."""
CLASSES = ("class_labels_classifier", "class_embed", "enc_score_head", "denoising_class_embed")
"""In the names of those that know the classes."""


class DetectorPredictor(ProcessorPredictor):
    """The boxes that a detector finds.

    Args:
        run: its options are `LargePicturePredictOptions`, and those of answering with boxes.
    """

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run, lambda folder: load_detector(folder, detector_config(folder)), mixed=True)
        self._outputs = output_names(self.network.config)
        options = run.options
        self._threshold = THRESHOLD if options.threshold is None else options.threshold
        self._nms, self._limit = options.nms, options.top_k or MAX_DETECTIONS

    def read(self, outputs: Any, sizes: list[tuple[int, int]]) -> list[Prediction]:
        """Boxes."""
        found = boxes_of(self.processor, outputs, sizes, self._threshold)
        return [
            detections_of(self._chosen(rows).tolist(), self._outputs, size)
            for rows, size in zip(found, sizes, strict=True)
        ]

    def _chosen(self, rows: torch.Tensor) -> torch.Tensor:
        """The best; without those that overlap a better one where that was asked for: such networks find sets."""
        if self._nms is not None:
            rows = rows[batched_nms(rows[:, :4], rows[:, 4], rows[:, 5].long(), self._nms)]
        return rows[: self._limit]


def boxes_of(
    processor: Any, outputs: Any, sizes: Sequence[tuple[int, int]], threshold: float
) -> tuple[torch.Tensor, ...]:
    """What is found in pictures, as transformers reads the outputs, cut off at the edges.

    Args:
        processor: of the model.
        outputs: of its network.
        sizes: width and height of each picture.
        threshold: least score.

    Returns:
        For each picture XYXY in its pixels, score and number of the output, best first, float32 of shape (boxes, 6).
    """
    outputs.logits, outputs.pred_boxes = outputs.logits.float(), outputs.pred_boxes.float()
    shapes = [size[::-1] for size in sizes]
    # Scores above the threshold are kept, here also those that are equal to it.
    least = math.nextafter(threshold, -1.0)
    found = processor.post_process_object_detection(outputs, threshold=least, target_sizes=shapes)
    return tuple(_rows(one, shape) for one, shape in zip(found, shapes, strict=True))


def _rows(found: dict[str, torch.Tensor], shape: tuple[int, int]) -> torch.Tensor:
    boxes = clip_boxes_to_image(found["boxes"], shape)
    rows = torch.cat([boxes, found["scores"][:, None], found["labels"][:, None].float()], 1)
    rows = rows[(rows[:, 2:4] > rows[:, :2]).all(1)]
    return rows[rows[:, 4].argsort(descending=True, stable=True)].cpu()


def detector_config(folder: Path) -> Any:
    """The configuration of a detector; nothing is fetched for its backbone, whose weights are in the same file.

    Raises:
        StoreInvalid: it cannot be read.
    """
    config = read_config(folder)
    for one in (config, getattr(config, "backbone_config", None)):
        if one is not None and getattr(one, "use_pretrained_backbone", False):
            one.use_pretrained_backbone = False
    return config


def load_detector(folder: Path, config: Any) -> Any:
    """A detector in float32; layers that know the classes begin with random numbers where there are others.

    Raises:
        StoreInvalid: the weights are unreadable, or of another network.
    """
    network = load_network(transformers.AutoModelForObjectDetection, folder, config, fitting=_knows_no_class)
    for name in heads_of(network):
        for layer in network.get_submodule(name).modules():
            if type(layer) is nn.Linear:
                layer.__class__ = FullPrecisionLinear
    return network


class FullPrecisionLinear(nn.Linear):
    """A layer that computes in float32 where those around it compute in less.

    A box is the sigmoid of what such a layer says: in bf16 it would be off by some pixels.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """As any linear layer."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


def _knows_no_class(name: str) -> bool:
    return not any(part in name for part in CLASSES)


def output_names(config: Any) -> tuple[str, ...]:
    """The class of each output."""
    return tuple(config.id2label[number] for number in range(config.num_labels))


def heads_of(network: nn.Module) -> tuple[str, ...]:
    """Names of what says what is where."""
    names = {name for name, _ in network.named_modules()}
    return tuple(name for name in HEADS if name in names)


def renew_classes(network: Any) -> None:
    """Let the layers that know the classes begin with random numbers.

    Outputs of a sigmoid begin unlikely (Lin et al. 2017, section 3.3), as transformers has it.
    """
    sigmoid = network.config.model_type not in ("detr", "yolos")
    prior = getattr(network.config, "initializer_bias_prior_prob", None) or 1 / (network.config.num_labels + 1)
    outputs = network.config.num_labels + (not sigmoid)
    for name, layer in network.named_modules():
        if _knows_no_class(name):
            continue
        if isinstance(layer, nn.Embedding):
            nn.init.xavier_uniform_(layer.weight)
        elif isinstance(layer, nn.Linear) and layer.out_features == outputs:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.constant_(layer.bias, -math.log((1 - prior) / prior) if sigmoid else 0.0)
