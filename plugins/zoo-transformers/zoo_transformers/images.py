"""Image classifiers of transformers as bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from zoo import PredictionRun, TrainingRun, Unsupported
from zoo.training.head import HeadConfig
from zoo.training.images import ImageBody, ImageConfig, Preprocessing
from zoo.training.pretrained import read_json
from zoo.training.transformers_network import load_network, read_config
from zoo_transformers.network import adaptable_layers, save, weights_of, without_output_layer
from zoo_transformers.pictures import FILE, image_input, shown_at

_README = """## Use without zoo

```python
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification

processor = AutoImageProcessor.from_pretrained("this folder")
model = AutoModelForImageClassification.from_pretrained("this folder")
inputs = processor(Image.open("a.jpg").convert("RGB"), return_tensors="pt")
logits = model(**inputs).logits  # columns in the order of model.config.id2label
```
"""


class TransformersImages(ImageBody):
    """A network of transformers up to its output layer, which is the head."""

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        weights = weights_of(run)
        self._stated = read_config(weights)
        self._document = read_json(weights / FILE)
        preprocessing = Preprocessing.of(image_input(run.card.name, self._document))
        head = HeadConfig.from_transformers(self._stated.to_dict())
        super().__init__(run, ImageConfig(self._stated.model_type, {}, head, preprocessing))
        self.module: Any = load_network(transformers.AutoModelForImageClassification, weights, self._stated)
        name, layer = without_output_layer(self.module)
        self.width, self._has_bias = layer.in_features, layer.bias is not None
        self.layout = (("head.", f"{name}."), ("body.", ""))
        self.lora_targets = adaptable_layers(self.module)
        self.output_state = {name: one.detach().clone() for name, one in layer.state_dict().items()}
        if isinstance(run, TrainingRun) and self.preprocessing.size != preprocessing.size:
            self._check_size(run.card.name, self.preprocessing.size)

    def _check_size(self, name: str, size: int) -> None:
        """Refuse a size that the network does not take.

        Raises:
            Unsupported: it has a vector for each place of a picture, of one size.
        """
        try:
            with torch.inference_mode():
                self.vectors(self.module.eval(), torch.zeros(1, 3, size, size))
        except (RuntimeError, ValueError) as error:
            raise Unsupported(f"{name} does not take images of {size} pixels", "leave --image-size out") from error
        self.module.train()

    def vectors(self, module: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """What the output layer sees of each image, shape (batch, width)."""
        seen: torch.Tensor = module(pixel_values=images).logits
        return seen

    def new_head(self, outputs: int) -> nn.Module:
        """An output layer of random numbers, as transformers begins with."""
        layer = nn.Linear(self.width, outputs, bias=self._has_bias)
        self.module._init_weights(layer)
        return layer

    def save(
        self,
        folder: Path,
        state: dict[str, torch.Tensor],
        head: HeadConfig | None,
        canvas: tuple[int, int] | None = None,
    ) -> None:
        """Write a folder that transformers' Auto classes load."""
        save(self.module, self._stated, folder, state, head)
        document = shown_at(self._document, self.preprocessing.size, self.preprocessing.resize_size)
        (folder / FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(_README, encoding="utf-8")

    def readme(self, config: ImageConfig) -> str:
        """How to use a result with transformers alone."""
        return _README
