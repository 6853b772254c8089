"""What all image models have in common: pictures are decoded once, trained on in random views, judged by centre."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from zoo.answers import Rejected
from zoo.training.body import Body, Level
from zoo.training.head import HeadConfig
from zoo.training.images.answering import predictor_on
from zoo.training.images.augmentation import Augmentation
from zoo.training.images.config import ImageConfig
from zoo.training.images.preprocessing import Preprocessing
from zoo.training.images.pyramid import PROBE, levels_of
from zoo.training.images.store import THREADS, ImageStore
from zoo.training.objective import Batch

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun

_MEGABYTE = 1_000_000


class ImageBody(Body[int]):
    """A network that sees pictures; features are numbers of the run's image store.

    Args:
        run: a training, whose options are `zoo.ImageFinetuneOptions` or `zoo.ImagePretrainOptions`, or a prediction.
        config: of the weights that the run starts from.
    """

    collate_threads = THREADS
    head_lr = 3e-3
    scratch_lr = 1e-3
    scratch_steps = 400

    def __init__(self, run: TrainingRun | PredictionRun, config: ImageConfig) -> None:
        self._run = run
        self.head_config = config.head
        self.pretrained = run.weights is not None
        self.config = config

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """What an evaluation of the training sees."""
        return self.config.preprocessing.at(self._run.options.image_size)

    @cached_property
    def augmentation(self) -> Augmentation:
        """What makes a random view in training."""
        options = self._run.options
        return Augmentation(self.preprocessing.size, options.crop_scale, options.flip, options.rotate, options.jitter)

    @cached_property
    def images(self) -> ImageStore:
        """Those of the training, decoded."""
        run: Any = self._run
        return ImageStore(
            run,
            prepare=self.preprocessing.reduce,
            memory_bytes=run.options.cache_memory * _MEGABYTE,
            disk_bytes=run.options.cache_disk * _MEGABYTE,
        )

    def encode(self, inputs: Sequence[Any]) -> list[int | Rejected]:
        """Decode."""
        return self.images.add(inputs)

    def collate(self, features: Sequence[int], seeds: Sequence[int], *, training: bool) -> Batch:
        """Random views in training, the centre in an evaluation: uint8, shape (batch, size, size, 3)."""
        images = [self.images[number] for number in features]
        if training:
            views = [self.augmentation(image, seed) for image, seed in zip(images, seeds, strict=True)]
        else:
            views = [self.preprocessing.crop(image) for image in images]
        return {"images": torch.from_numpy(np.stack(views))}

    def pooled(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """One vector an image, shape (batch, width)."""
        images = self.preprocessing.normalise(batch["images"])
        if module.training and len(images) == 1:
            # Batch norm has no variance over one value, all that is left of a tiny image.
            return self.vectors(module, images.repeat(2, 1, 1, 1))[:1]
        return self.vectors(module, images)

    def vectors(self, module: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """From (batch, 3, height, width) to (batch, width)."""
        vectors: torch.Tensor = module(images)
        return vectors

    def feature_maps(self, module: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
        """One map for each of `levels`, (batch, channels, height, width); of a body that provides them.

        Args:
            module: `self.module`, as the engine prepared it.
            images: normalised, (batch, 3, height, width).
        """
        return []

    @cached_property
    def levels(self) -> tuple[Level, ...]:  # type: ignore[override]  # what a small picture tells
        """Those of `feature_maps`."""
        training = self.module.training
        parameter = next(self.module.parameters())
        with torch.inference_mode():
            maps = self.feature_maps(self.module.eval(), parameter.new_zeros(1, 3, PROBE, PROBE))
        self.module.train(training)
        return levels_of(maps, PROBE)

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write a state dict that the library's own network loads, `config.json` and a README."""
        save_file(state, folder / "model.safetensors")
        config = ImageConfig(self.config.model_type, self.config.architecture, head, self.preprocessing)
        config.save(folder)
        (folder / "README.md").write_text(self.readme(config), encoding="utf-8")

    def predictor(self, run: PredictionRun) -> Predictor:
        """What the head says, or the vectors themselves, as the answer of the task has it."""
        return predictor_on(self, run)

    @abstractmethod
    def readme(self, config: ImageConfig) -> str:
        """How to use a result without zoo, in Markdown."""
