"""What all image models have in common: pictures are decoded once, trained on in random views, judged by centre."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from zoo.answers import Rejected
from zoo.training.body import HEAD, Body, Layout, Level, renamed
from zoo.training.head import HeadConfig
from zoo.training.images.answering import predictor_on
from zoo.training.images.augmentation import Augmentation
from zoo.training.images.config import ImageConfig
from zoo.training.images.preprocessing import Preprocessing
from zoo.training.images.pyramid import PROBE, levels_of
from zoo.training.images.store import THREADS, ImageStore
from zoo.training.media_store import MediaRoom
from zoo.training.objective import Batch
from zoo.training.packed_convolution import quantized
from zoo.training.weights import BACKBONE, fill, state_of

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun
    from zoo.training.images.annotated import Canvas
    from zoo.training.portable.network import Portable

CANVAS_SHARE = 10 / 7
"""Longer side of a canvas in sides of what a classifier sees: 320 for 224, as torchvision's SSDlite has it."""


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
    mask_layout: Layout = (("head.", "decoder."), ("body.", BACKBONE))
    """How names of the tensors begin where the head is for masks, and how the weights have them begin."""
    maps_lr = 5e-4
    """Peak learning rate of a new head on feature maps and the body together."""

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
        """Those of the training, decoded, for one vector each."""
        return self.image_store(self.preprocessing.reduce)

    def image_store(self, prepare: Callable[[Image.Image], Image.Image]) -> ImageStore:
        """A store for pictures of the training, within the bounds of its options.

        Args:
            prepare: makes each as small as training needs it.
        """
        run: Any = self._run
        return ImageStore(run, prepare=prepare, room=self.room)

    @cached_property
    def room(self) -> MediaRoom:
        """For the pictures that are kept, of all sources of the run."""
        run: Any = self._run
        return MediaRoom.of(run)

    def share(self, other: Self) -> None:
        """Also the room for pictures; of batch norms all but the statistics, which a prediction would have to do with.

        Those of pretrained weights stay as they came. Otherwise each source has its own: a step sees one source, and
        what is an average over two is right for neither.
        """
        own = self.module
        super().share(other)
        self.room = other.room
        if self.pretrained:
            freeze_norms(self.module)
        elif not any(getattr(body._run.options, "method", "") == "lora" for body in (self, other)):
            self.module = on_parameters_of(self.module, own)

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

    def maps(self, module: nn.Module, batch: Batch) -> list[torch.Tensor]:
        """The feature maps of pictures on a canvas, uint8 of shape (batch, height, width, 3)."""
        return self.feature_maps(module, self.normalised(module, batch))

    def normalised(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Pictures on a canvas as the network wants them, (batch, 3, height, width) of its type."""
        return self.config.preprocessing.normalise(batch["images"]).to(next(module.parameters()).dtype)

    @property
    def canvas_side(self) -> int:
        """Longer side of a canvas: what is asked for, or more than a classifier sees, as some things are small."""
        usual = max(self.config.canvas) if self.config.canvas else self.config.preprocessing.size * CANVAS_SHARE
        side = getattr(self._run.options, "image_size", None) or usual
        return math.ceil(side / self.levels[-1].stride) * self.levels[-1].stride

    def canvas(self, *sizes: tuple[int, int]) -> Canvas:
        """One that fits pictures of some widths and heights."""
        from zoo.training.images.annotated import Canvas

        return Canvas.of(sizes, self.canvas_side, self.levels[-1].stride, self.config.preprocessing.mean)

    def mask_head(self, classes: int) -> nn.Module:
        """A head for masks, on a list of the picture, normalised, and its feature maps.

        Args:
            classes: that it scores at each pixel, shape (batch, classes, height, width).
        """
        from zoo.training.images.unet import UNetHead

        return UNetHead([level.channels for level in self.levels], self.levels[0].stride, classes)

    def fill_head(self, head: nn.Module, head_config: HeadConfig, layout: Layout) -> None:
        """Fill a head on feature maps from the weights, where they have one for the same.

        Args:
            head: of random numbers.
            head_config: what it is for.
            layout: how names begin in the network of body and head, and in the weights.
        """
        if self.head_config is None or not self.head_config.means_the_same_as(head_config):
            return
        assert self._run.weights is not None
        state = state_of(self._run.card, self._run.weights, self._run.cache_folder)
        names = {renamed(f"{HEAD}.{name}", layout): name for name in head.state_dict()}
        fill(head, {names[name]: tensor for name, tensor in state.items() if name in names})

    def save(
        self,
        folder: Path,
        state: dict[str, torch.Tensor],
        head: HeadConfig | None,
        canvas: tuple[int, int] | None = None,
    ) -> None:
        """Write a state dict that the library's own network loads, `config.json` and a README.

        Args:
            folder: exists and is empty.
            state: of the network, by the names of the library.
            head: what the head is for; None where there is none.
            canvas: width and height of what a head on feature maps sees.
        """
        save_file(state, folder / "model.safetensors")
        preprocessing = self.config.preprocessing if canvas else self.preprocessing
        config = ImageConfig(self.config.model_type, self.config.architecture, head, preprocessing, canvas)
        config.save(folder)
        (folder / "README.md").write_text(self.readme(config), encoding="utf-8")

    def predictor(self, run: PredictionRun) -> Predictor:
        """What the head says, or the vectors themselves, as the answer of the task has it."""
        if run.precision == "int8":
            self.module = quantized(self.module)
        return predictor_on(self, run)

    def portable(self, run: PredictionRun) -> Portable:
        """From normalised pixels to what is answered from."""
        from zoo.training.images.portable import portable_images

        return portable_images(run, self)

    @abstractmethod
    def readme(self, config: ImageConfig) -> str:
        """How to use a result without zoo, in Markdown."""


def on_parameters_of(module: nn.Module, twin: nn.Module) -> nn.Module:
    """Let a network of the same shape have the parameters of another one; its statistics stay its own.

    Args:
        module: has the parameters.
        twin: gets them.
    """
    for name, parameter in module.named_parameters(remove_duplicate=False):
        owner, _, own_name = name.rpartition(".")
        setattr(twin.get_submodule(owner), own_name, parameter)
    return twin


def freeze_norms(module: nn.Module) -> None:
    """Leave batch norms with the statistics they came with: those of a few pictures a step are worse."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.requires_grad_(False)
