"""Predicting with whole networks of transformers: pictures are shown and outputs are read by the model's processor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image

from zoo import Prediction, PredictionRun, Rejected
from zoo.training.images import ImagePredictor
from zoo_transformers.processors import read_processor, rejected_as_narrow


class ShownPicture(NamedTuple):
    """A picture as a network sees it."""

    inputs: dict[str, torch.Tensor]
    """What the processor makes of it: `pixel_values` (3, height, width) float32, perhaps `pixel_mask`."""
    size: tuple[int, int]
    """Width and height of the picture as it is shown."""


class ProcessorPredictor(ImagePredictor[ShownPicture]):
    """Pictures that are computed together are of one size: what is said of one does not depend on the others.

    Args:
        run: its options are `LargePicturePredictOptions`.
        load: the network, from the folder of its weights.
        mixed: whether the network stays float32, and layers compute in less where that does no harm (autocast).
    """

    def __init__(self, run: PredictionRun, load: Callable[[Path], Any], *, mixed: bool = False) -> None:
        super().__init__(run)
        assert run.weights is not None  # there is no card without
        self.processor = read_processor(run.weights)
        self._network_dtype = torch.float32 if mixed else self.dtype
        self.network = load(run.weights).to(self.device, self._network_dtype).eval()

    def prepare(self, image: Image.Image) -> ShownPicture | Rejected:
        """As the processor shows it."""
        rejected = rejected_as_narrow(self.processor, image.size)
        if rejected is not None:
            return rejected
        shown = self.processor(images=[image], return_tensors="pt")
        return ShownPicture({name: tensor[0] for name, tensor in shown.items()}, image.size)

    def compute(self, images: list[ShownPicture]) -> Sequence[Prediction]:
        """Ask the network."""
        answers: list[Prediction] = []
        for _, group in groupby(images, key=lambda image: image.inputs["pixel_values"].shape):
            pictures = list(group)
            names = pictures[0].inputs
            inputs = {name: torch.stack([one.inputs[name] for one in pictures]).to(self.device) for name in names}
            inputs["pixel_values"] = inputs["pixel_values"].to(self._network_dtype)
            low = self.dtype != self._network_dtype
            with torch.inference_mode(), torch.autocast(self.device.type, self.dtype if low else None, enabled=low):
                answers += self.read(self.ask(inputs), [one.size for one in pictures])
        return answers

    def ask(self, inputs: dict[str, torch.Tensor]) -> Any:
        """What the network says of a batch of pictures."""
        return self.network(**inputs)

    @abstractmethod
    def read(self, outputs: Any, sizes: list[tuple[int, int]]) -> list[Prediction]:
        """Answer from what the network says of pictures.

        Args:
            outputs: of the network.
            sizes: width and height of each picture as it is shown.
        """
