"""Segmenters of transformers: the classes of pixels, as the model's processor reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from zoo import Prediction, PredictionRun, ProbabilityTable, SegmentedImage
from zoo.training.images.segmenting import probabilities_on_grid
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
        self._says_probabilities = run.options.probabilities

    def read(self, outputs: Any, sizes: list[tuple[int, int]]) -> list[Prediction]:
        """Masks as large as the pictures."""
        for name in _SCORES:
            if getattr(outputs, name, None) is not None:
                outputs[name] = outputs[name].float()
        masks = self.processor.post_process_semantic_segmentation(outputs, target_sizes=[size[::-1] for size in sizes])
        tables: list[ProbabilityTable | None] = [None] * len(masks)
        if self._says_probabilities:
            tables = [probabilities_on_grid(one, self._outputs) for one in class_probabilities(outputs)]
        return [
            SegmentedImage.of_indexes(mask.to(torch.uint8).cpu().numpy(), self._outputs, table)
            for mask, table in zip(masks, tables, strict=True)
        ]


def class_probabilities(outputs: Any) -> torch.Tensor:
    """Of each class at each pixel of the network's maps, float32 of shape (batch, classes, height, width).

    Of networks that answer with a set of masks, by what the masks of each class add up to, as their processors have it.
    """
    if getattr(outputs, "logits", None) is not None:
        probabilities: torch.Tensor = outputs.logits.softmax(1)
        return probabilities
    classes = outputs.class_queries_logits.softmax(-1)[..., :-1]  # the last is that of no thing
    sums = torch.einsum("bqc,bqhw->bchw", classes, outputs.masks_queries_logits.sigmoid())
    return sums / sums.sum(1, keepdim=True).clamp(min=torch.finfo(sums.dtype).tiny)


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
