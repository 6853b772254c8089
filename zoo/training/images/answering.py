"""Predicting: what a head says of images, or their features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch
from PIL import Image

from zoo.answers import Embedding, Prediction, Rejected
from zoo.errors import Unsupported
from zoo.kinds.image_decoding import read_image
from zoo.prefetch import prefetched
from zoo.tasks.task import LEVELS
from zoo.training.images.config import ImageConfig
from zoo.training.images.store import THREADS
from zoo.training.objectives import objective_class, pooled_objective
from zoo.training.precisions import DTYPES

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor
    from zoo.training.images.body import ImageBody

DEFAULT_LABELS = 5
"""Labels given where no number is asked for."""
AHEAD = 4
"""Images per thread that are decoded ahead of the model."""
Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


class ImagePredictor(ABC, Generic[Prepared]):
    """Decode in threads, compute in batches, keep the order.

    Args:
        run: its options are `zoo.ImagePredictOptions`.
    """

    def __init__(self, run: PredictionRun) -> None:
        self._batch_size: int = run.options.batch_size
        self.device, self.dtype = torch.device(run.device), DTYPES[run.precision]

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every image, in order; one that cannot be read is rejected in its place."""
        answers: list[Prediction] = []
        prepared = prefetched(self._prepare, inputs, threads=THREADS, ahead=AHEAD * THREADS)
        for chunk in _chunks(prepared, self._batch_size):
            images = [image for image in chunk if not isinstance(image, Rejected)]
            computed = iter(self.compute(images) if images else ())
            answers += [image if isinstance(image, Rejected) else next(computed) for image in chunk]
        return answers

    def _prepare(self, source: Any) -> Prepared | Rejected:
        image = read_image(source)
        return image if isinstance(image, Rejected) else self.prepare(image)

    @abstractmethod
    def prepare(self, image: Image.Image) -> Prepared | Rejected:
        """What is computed of a decoded image, or why it cannot be answered; called from several threads."""

    @abstractmethod
    def compute(self, images: list[Prepared]) -> Sequence[Prediction]:
        """Answer a batch."""


class _VectorPredictor(ImagePredictor[np.ndarray[Any, Any]]):
    """The centre of an image, and one vector that the network gives for it.

    Args:
        run: its options are `zoo.ImagePredictOptions`, and may have `top_k`.
        config: of the weights.
        network: on the run's device and of its precision; from images of shape (batch, 3, height, width), channels
            last, to outputs of shape (batch, outputs).
    """

    def __init__(
        self, run: PredictionRun, config: ImageConfig, network: Callable[[torch.Tensor], torch.Tensor]
    ) -> None:
        super().__init__(run)
        self.top_k: int | None = getattr(run.options, "top_k", None)
        """Most labels of an answer, where it was said."""
        self._config = config
        self._network = network

    def prepare(self, image: Image.Image) -> np.ndarray[Any, Any]:
        """The centre."""
        return self._config.preprocessing.crop(image)

    def compute(self, images: list[np.ndarray[Any, Any]]) -> Sequence[Prediction]:
        """Ask the network."""
        batch = torch.from_numpy(np.stack(images)).to(self.device)
        with torch.inference_mode():
            return self.answer(self._network(self._config.preprocessing.normalise(batch).to(self.dtype)).float())

    @abstractmethod
    def answer(self, outputs: torch.Tensor) -> Sequence[Prediction]:
        """Answer a batch from what the network says, shape (batch, outputs)."""


class HeadPredictor(_VectorPredictor):
    """What the head says, read as the task learns it; the network gives standardised outputs."""

    def __init__(
        self, run: PredictionRun, config: ImageConfig, network: Callable[[torch.Tensor], torch.Tensor]
    ) -> None:
        super().__init__(run, config, network)
        if config.head is None:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        self._head, self._objective = config.head.with_options(run.options), pooled_objective(run.task)

    def answer(self, outputs: torch.Tensor) -> Sequence[Prediction]:
        """By the task."""
        return self._objective.answers(outputs, self._head, self.top_k or DEFAULT_LABELS)


class FeaturePredictor(_VectorPredictor):
    """The pooled features that the network without its head makes of an image."""

    def answer(self, outputs: torch.Tensor) -> Sequence[Prediction]:
        """One vector of shape (features,) an image."""
        return [Embedding(tuple(vector)) for vector in outputs.tolist()]


def predictor_on(body: ImageBody, run: PredictionRun) -> Predictor:
    """What answers the task of a run with a body."""
    if run.task.needs >= LEVELS:
        on_maps: Predictor = objective_class(run.task).predictor(run, body)
        return on_maps
    device, dtype = torch.device(run.device), DTYPES[run.precision]
    module = body.module.to(device, dtype).eval()
    if issubclass(run.task.answer, Embedding):
        return FeaturePredictor(run, body.config, lambda images: body.vectors(module, images))
    if body.head_config is None:
        raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
    head = body.head_for(body.head_config).to(device, dtype).eval()
    return HeadPredictor(run, body.config, lambda images: head(body.vectors(module, images)))


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
