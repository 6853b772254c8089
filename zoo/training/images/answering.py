"""Predicting: what a head says of images, or their features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from PIL import Image

from zoo.answers import Embedding, Prediction, Rejected
from zoo.errors import Unsupported
from zoo.kinds.image_decoding import read_image
from zoo.memory import is_out_of_memory, release_memory
from zoo.prefetch import prefetched
from zoo.tasks.options import FEW_LABELS
from zoo.tasks.task import LEVELS
from zoo.training.images.config import ImageConfig
from zoo.training.images.device_pictures import DevicePictures
from zoo.training.images.store import THREADS
from zoo.training.objectives import objective_class, pooled_objective
from zoo.training.precisions import DTYPES
from zoo.training.scalars import Arriving

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor
    from zoo.training.images.body import ImageBody

AHEAD = 4
"""Images per thread that are decoded ahead of the model."""
CPU_BATCH = 16
"""Images that a CPU computes at once where no number was asked for."""
BATCHES_AHEAD = 2
"""That an accelerator computes, or will, before the answers of the one before them are looked at."""
Prepared = TypeVar("Prepared")


class _Launched(NamedTuple):
    """A batch of sources that is computed, or will be."""

    sources: list[Any]
    """Those that were rejected among them."""
    answers: list[Callable[[], Sequence[Prediction]]]
    """To the others, once they are asked for: those of each part of the batch."""


class _End(NamedTuple):
    """Of a chunk of inputs."""


class ImagePredictor(ABC, Generic[Prepared]):
    """Decode in threads, compute in batches, keep the order.

    Args:
        run: its options are `zoo.ImagePredictOptions`.
    """

    accelerator_batch_size: int = CPU_BATCH
    """Images that an accelerator computes at once where no number was asked for."""

    def __init__(self, run: PredictionRun) -> None:
        self.device, self.dtype = torch.device(run.device), DTYPES[run.precision]
        usual = CPU_BATCH if self.device.type == "cpu" else self.accelerator_batch_size
        self._batch_size: int = run.options.batch_size or usual
        self._note = run.note

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every image, in order; one that cannot be read is rejected in its place."""
        return [answer for answers in self.predict_chunks([inputs]) for answer in answers]

    def predict_chunks(self, chunks: Iterable[list[Any]]) -> Iterator[list[Prediction]]:
        """The same for chunk after chunk; images are decoded ahead of their answers, also those of later chunks."""
        sources = (source for chunk in chunks for source in (*chunk, _End()))
        threads = THREADS
        with closing(prefetched(self._prepared, sources, threads=threads, ahead=AHEAD * threads)) as prepared:
            yield from self._answer_chunks(prepared)

    def _answer_chunks(self, prepared: Iterable[Any]) -> Iterator[list[Prediction]]:
        launched: deque[_Launched | _End] = deque()
        answers: list[Prediction] = []
        ahead = 0 if self.device.type == "cpu" else BATCHES_AHEAD
        for item in chain(batches_between(prepared, lambda: self._batch_size), [None]):
            if item is not None:
                launched.append(self._launch_batch(item) if isinstance(item, list) else item)
            while launched and (item is None or len(launched) > ahead):
                done = launched.popleft()
                if isinstance(done, _Launched):
                    answers += _finished(done)
                else:
                    yield answers
                    answers = []

    def _launch_batch(self, sources: list[Any]) -> _Launched:
        images = [source for source in sources if not isinstance(source, Rejected)]
        return _Launched(sources, self._launched(images) if images else [])

    def _launched(self, images: list[Prepared]) -> list[Callable[[], Sequence[Prediction]]]:
        """Let the device compute images, in halves where its memory does not suffice."""
        try:
            return [self.launch(images)]
        except Exception as error:
            if len(images) == 1 or not is_out_of_memory(error):
                raise
        # After the block, as the error keeps alive what was computed so far.
        release_memory()
        half = len(images) // 2
        if half < self._batch_size:
            self._batch_size = half
            self._note(f"the memory of {self.device} does not suffice for {len(images)} images at once: {half} are")
        return [*self._launched(images[:half]), *self._launched(images[half:])]

    def _prepared(self, source: Any) -> Prepared | Rejected | _End:
        return source if isinstance(source, _End) else self.prepare_source(source)

    def prepare_source(self, source: Any) -> Prepared | Rejected:
        """What is computed of an input; called from several threads."""
        image = read_image(source)
        return image if isinstance(image, Rejected) else self.prepare(image)

    @abstractmethod
    def prepare(self, image: Image.Image) -> Prepared | Rejected:
        """What is computed of a decoded image, or why it cannot be answered; called from several threads."""

    def launch(self, images: list[Prepared]) -> Callable[[], Sequence[Prediction]]:
        """Begin to compute a batch, and give what waits for its answers."""
        answers = self.compute(images)
        return lambda: answers

    @abstractmethod
    def compute(self, images: list[Prepared]) -> Sequence[Prediction]:
        """Answer a batch."""


class _VectorPredictor(ImagePredictor[Any]):
    """The centre of an image, and one vector that the network gives for it.

    Args:
        run: its options are `zoo.ImagePredictOptions`, and may have `top_k`.
        config: of the weights.
        network: on the run's device and of its precision; from images of shape (batch, 3, height, width), channels
            last, to outputs of shape (batch, outputs).
    """

    accelerator_batch_size = 128

    def __init__(
        self, run: PredictionRun, config: ImageConfig, network: Callable[[torch.Tensor], torch.Tensor]
    ) -> None:
        super().__init__(run)
        self.top_k: int | None = getattr(run.options, "top_k", None)
        """Most labels of an answer, where it was said."""
        self._config = config
        self._network = network
        self._pictures = DevicePictures.on(self.device, config.preprocessing, run.note)

    def prepare_source(self, source: Any) -> Any:
        """The centre, or what the device cuts it out of."""
        return super().prepare_source(source) if self._pictures is None else self._pictures.prepare(source)

    def prepare(self, image: Image.Image) -> np.ndarray[Any, Any]:
        """The centre."""
        return self._config.preprocessing.crop(image)

    def compute(self, images: list[Any]) -> Sequence[Prediction]:
        """Ask the network."""
        return self.launch(images)()

    def launch(self, images: list[Any]) -> Callable[[], Sequence[Prediction]]:
        """Ask the network, and read what it says later."""
        with torch.inference_mode():
            if self._pictures is None:
                batch = self._config.preprocessing.normalise(torch.from_numpy(np.stack(images)).to(self.device))
                reasons: list[Rejected | None] = [None] * len(images)
            else:
                batch, reasons = self._pictures.batch(images)
            if not len(batch):
                return lambda: [reason for reason in reasons if reason]
            outputs = Arriving({"outputs": self._network(batch.to(self.dtype)).float()})

        def answers() -> list[Prediction]:
            computed = iter(self.answer(outputs.tensors()["outputs"]))
            return [reason or next(computed) for reason in reasons]

        return answers

    @abstractmethod
    def answer(self, outputs: torch.Tensor) -> Sequence[Prediction]:
        """Answer a batch from what the network says, shape (batch, outputs), on the CPU."""


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
        return self._objective.answers(outputs, self._head, self.top_k or FEW_LABELS)


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


def batches_between(items: Iterable[Any], size: Callable[[], int]) -> Iterator[list[Any] | _End]:
    """Items, so many at a time, and the ends of chunks between them, which no batch goes beyond."""
    batch: list[Any] = []
    for item in items:
        at_end = isinstance(item, _End)
        if not at_end:
            batch.append(item)
        if batch and (at_end or len(batch) >= size()):
            yield batch
            batch = []
        if at_end:
            yield item


def _finished(batch: _Launched) -> list[Prediction]:
    """The answers of a batch, rejections in their places."""
    computed = chain.from_iterable(answers() for answers in batch.answers)
    return [source if isinstance(source, Rejected) else next(computed) for source in batch.sources]
