"""Predicting: labels of images, or their features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch

from zoo import (
    Classification,
    Embedding,
    Prediction,
    PredictionRun,
    Predictor,
    Rejected,
    Score,
    Unsupported,
    read_image,
)
from zoo.training import prefetched
from zoo_resnet.config import config_of
from zoo_resnet.folded import FoldedResNet
from zoo_resnet.images import THREADS
from zoo_resnet.network import build, load_body
from zoo_resnet.options import ResnetPredictOptions
from zoo_resnet.weights import state_of

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SHOWN = 5
"""Labels given where no number is asked for."""
AHEAD = 4
"""Images per thread that are decoded ahead of the model."""
Item = TypeVar("Item")


def load(run: PredictionRun) -> Predictor:
    """The predictor of the run's task."""
    match run.task.name:
        case "image-classification":
            return LabelPredictor(run)
        case "image-feature-extraction":
            return FeaturePredictor(run)
        case name:
            raise Unsupported(f"ResNet does not do {name}", "it does image-classification, image-feature-extraction")


class _ImagePredictor(ABC):
    """Decode in threads, compute in batches, keep the order."""

    def __init__(self, run: PredictionRun) -> None:
        self._options: ResnetPredictOptions = run.options  # what the cards declare
        self._device = torch.device(run.device)
        self._dtype = DTYPES[run.precision]
        self._config = config_of(run.card, run.weights)
        network = build(self._config.architecture, self.outputs())
        load_body(network, state_of(run.card, run.weights, run.cache_folder), head=self.outputs() > 0)
        self._network = FoldedResNet(network, self._device, self._dtype)

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every image, in order; one that cannot be read is rejected in its place."""
        answers: list[Prediction] = []
        prepared = prefetched(self._prepare, inputs, threads=THREADS, ahead=AHEAD * THREADS)
        for chunk in _chunks(prepared, self._options.batch_size):
            images = [image for image in chunk if not isinstance(image, Rejected)]
            found = iter(self._compute(images) if images else ())
            answers += [image if isinstance(image, Rejected) else next(found) for image in chunk]
        return answers

    def _prepare(self, source: Any) -> np.ndarray[Any, Any] | Rejected:
        image = read_image(source)
        return image if isinstance(image, Rejected) else self._config.preprocessing.crop(image)

    def _compute(self, images: list[np.ndarray[Any, Any]]) -> Sequence[Prediction]:
        batch = torch.from_numpy(np.stack(images)).to(self._device)
        with torch.inference_mode():
            return self.answer(self._network(self._config.preprocessing.normalise(batch).to(self._dtype)).float())

    @abstractmethod
    def outputs(self) -> int:
        """Outputs of the network; 0 for the features themselves."""

    @abstractmethod
    def answer(self, outputs: torch.Tensor) -> Sequence[Prediction]:
        """Answer a batch from what the network says, shape (batch, outputs)."""


class LabelPredictor(_ImagePredictor):
    """Probabilities of the labels: the softmax of the logits."""

    def outputs(self) -> int:
        """One a label."""
        return len(self._config.labels)

    def answer(self, outputs: torch.Tensor) -> Sequence[Prediction]:
        """Labels, most probable first."""
        labels = self._config.labels
        top = outputs.softmax(-1).topk(min(self._options.top_k or SHOWN, len(labels)))
        return [
            Classification(tuple(Score(labels[i], p) for p, i in zip(values, indices, strict=True)))
            for values, indices in zip(top.values.tolist(), top.indices.tolist(), strict=True)
        ]


class FeaturePredictor(_ImagePredictor):
    """What the network sees in an image: the pooled features of its last stage."""

    def outputs(self) -> int:
        """No head."""
        return 0

    def answer(self, outputs: torch.Tensor) -> Sequence[Prediction]:
        """One vector of shape (features,) an image."""
        return [Embedding(tuple(vector)) for vector in outputs.tolist()]


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
