"""Segmenters of transformers as bodies: all but the last layer gives one map, and that layer is the head for masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo import ImageInput, PredictionRun, TrainingRun
from zoo.training import Batch
from zoo.training.body import Layout
from zoo.training.head import SEGMENTATION, HeadConfig
from zoo.training.images import ImageBody, ImageConfig, Preprocessing
from zoo.training.images.annotated import Canvas
from zoo.training.transformers_network import read_config
from zoo_transformers.detectors import output_names
from zoo_transformers.network import adaptable_layers, save, weights_of
from zoo_transformers.processors import ProcessorFrame, normalised, read_processor, set_size
from zoo_transformers.segmenters import load_segmenter

_LAST = "decode_head.classifier"
"""Name of the layer that scores the classes, in the networks that learn."""
_README = """## Use without zoo

```python
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

processor = AutoImageProcessor.from_pretrained("this folder")
model = AutoModelForSemanticSegmentation.from_pretrained("this folder")
picture = Image.open("a.jpg").convert("RGB")
with torch.inference_mode():
    outputs = model(**processor(images=[picture], return_tensors="pt"))
size = (picture.height, picture.width)
mask = processor.post_process_semantic_segmentation(outputs, target_sizes=[size])[0]
for index, label in model.config.id2label.items():
    print(label, (mask == index).float().mean().item())
```
"""


@dataclass(frozen=True)
class WholeCanvas(Canvas):
    """One that every picture fills, whatever its shape: as the processors of such networks squeeze them."""

    def scaled_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the canvas."""
        return self.size


class SegmenterBody(ImageBody):
    """A network of transformers up to the layer that scores the classes, which is the head."""

    provides = frozenset({"levels"})
    mask_layout: Layout = (("head.classifier.", f"{_LAST}."), ("body.", ""))
    maps_lr = 1e-4

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        weights = weights_of(run)
        assert isinstance(run.card.input, ImageInput)
        self._processor = read_processor(weights)
        set_size(self._processor, run.card.name, getattr(run.options, "image_size", None))
        stated = read_config(weights)
        head = HeadConfig(problem_type=SEGMENTATION, labels=output_names(stated))
        super().__init__(run, ImageConfig(stated.model_type, {}, head, Preprocessing.of(run.card.input)))
        self.module: Any = load_segmenter(weights, stated)
        self._last: Any = self.module.get_submodule(_LAST)
        self.module.set_submodule(_LAST, nn.Identity())
        if getattr(self.module.config, "use_auxiliary_head", False):
            self.module.auxiliary_head, self.module.config.use_auxiliary_head = None, False
        self.lora_targets = adaptable_layers(self.module)

    def feature_maps(self, module: Any, images: torch.Tensor) -> list[torch.Tensor]:
        """What the last layer sees."""
        if self.config.model_type == "upernet":  # which enlarges it before it is told
            return [module.decode_head(module.backbone(images).feature_maps)]
        return [module(pixel_values=images).logits]

    def normalised(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """As the processor of the model has it."""
        return normalised(self._processor, batch["images"]).to(next(module.parameters()).dtype)

    @cached_property
    def _size(self) -> tuple[int, int]:
        """Width and height of what the network sees."""
        return ProcessorFrame(self._processor).scaled_size((1, 1))

    @property
    def canvas_side(self) -> int:
        """Longer side."""
        return max(self._size)

    def canvas(self, *sizes: tuple[int, int]) -> Canvas:
        """That of every picture."""
        return WholeCanvas(*self._size, fill=(0, 0, 0))

    def mask_head(self, classes: int) -> nn.Module:
        """The last layer; it is a new one where the classes are others."""
        assert self.head_config is not None
        labels = getattr(self._run, "labels", self.head_config.labels)
        if labels == self.head_config.labels:
            return EnlargedScores(self._last)
        layer = nn.Conv2d(self._last.in_channels, classes, 1)
        self.module._init_weights(layer)
        return EnlargedScores(layer)

    def fill_head(self, head: nn.Module, head_config: HeadConfig, layout: Layout) -> None:
        """It is filled already."""

    def save(
        self,
        folder: Path,
        state: dict[str, torch.Tensor],
        head: HeadConfig | None,
        canvas: tuple[int, int] | None = None,
    ) -> None:
        """Write a folder that transformers' Auto classes load, without what only helped to train."""
        assert head is not None
        config = self.module.config
        config.id2label = dict(enumerate(head.labels))
        config.label2id = {label: number for number, label in enumerate(head.labels)}
        unreached = {name: tensor.cpu() for name, tensor in self.module.state_dict().items() if name not in state}
        save(self.module, config, folder, unreached | state, None)
        for name in ("do_reduce_labels", "reduce_labels"):  # the first class of a person's masks is one
            if hasattr(self._processor, name):
                setattr(self._processor, name, False)
        self._processor.save_pretrained(folder)
        (folder / "README.md").write_text(_README, encoding="utf-8")

    def readme(self, config: ImageConfig) -> str:
        """How to use a result with transformers alone."""
        return _README


class EnlargedScores(nn.Module):
    """A layer on one feature map, whose scores are enlarged to the picture.

    Args:
        classifier: scores the classes.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Take the picture, normalised, and its feature map; shape (batch, classes, height, width)."""
        images, level = maps
        return nn.functional.interpolate(self.classifier(level), images.shape[-2:], mode="bilinear")
