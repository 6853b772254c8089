"""Segmenters of transformers: the classes of pixels, as the model's processor reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from zoo import Prediction, PredictionRun, SegmentedImage
from zoo.training.transformers_network import load_network, read_config
from zoo_transformers.detectors import output_names
from zoo_transformers.processor_predictor import ProcessorPredictor

_AUTO_CLASSES = (transformers.AutoModelForSemanticSegmentation, transformers.AutoModelForUniversalSegmentation)
_SCORES = ("logits", "class_queries_logits", "masks_queries_logits")
"""Outputs that masks are made of."""


class SegmenterPredictor(ProcessorPredictor):
    """The class that a segmenter gives each pixel.

    Args:
        run: its options are `LargePicturePredictOptions`.
    """

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run, load_segmenter)
        self._outputs = output_names(self.network.config)

    def read(self, outputs: Any, sizes: list[tuple[int, int]]) -> list[Prediction]:
        """Masks as large as the pictures."""
        for name in _SCORES:
            if getattr(outputs, name, None) is not None:
                outputs[name] = outputs[name].float()
        masks = self.processor.post_process_semantic_segmentation(outputs, target_sizes=[size[::-1] for size in sizes])
        return [SegmentedImage.of_indexes(mask.to(torch.uint8).cpu().numpy(), self._outputs) for mask in masks]


def load_segmenter(folder: Path, config: Any = None) -> Any:
    """A segmenter in float32; the layers that know the classes begin with random numbers where there are others.

    Args:
        folder: holds the files.
        config: of the network; None for what the folder says.

    Raises:
        StoreInvalid: the files are unreadable, or the weights of another network.
    """
    config = config or read_config(folder)
    auto = next(one for one in (*_AUTO_CLASSES, None) if one is None or type(config) in one._model_mapping)
    return load_network(auto or _AUTO_CLASSES[0], folder, config)
