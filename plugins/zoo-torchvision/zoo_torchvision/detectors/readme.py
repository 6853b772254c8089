"""How to use a result without zoo, with torchvision's own network; goes into its README."""

from __future__ import annotations

from zoo.training.images.detecting import THRESHOLD
from zoo_torchvision.detectors.config import DetectorConfig

_NORMS = """
for layer in detector.modules():
    if isinstance(layer, torch.nn.BatchNorm2d):
        layer.eps = {eps}"""
_TEMPLATE = """## Use without zoo

```python
import json
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision.models.detection import {builder}
from torchvision.transforms.functional import to_tensor

config = json.loads(Path("this folder/config.json").read_text(encoding="utf-8"))
labels = ["background", *config["labels"]]
detector = {builder}(
    weights=None, weights_backbone=None, num_classes=len(labels), {options}
){norms}
detector.load_state_dict(load_file("this folder/model.safetensors"))
detector.eval()

picture = Image.open("a.jpg").convert("RGB")
with torch.inference_mode():
    found = detector([to_tensor(picture)])[0]
for box, label, score in zip(found["boxes"].tolist(), found["labels"].tolist(), found["scores"].tolist()):
    print(labels[label], score, box)
```
"""


def readme_of(config: DetectorConfig) -> str:
    """Of the result of a run."""
    threshold = "box_score_thresh" if config.family.name == "faster-rcnn" else "score_thresh"
    sides = {} if config.family.one_size else {"min_size": config.min_size, "max_size": config.max_size}
    options = ", ".join(f"{name}={value}" for name, value in (sides | {threshold: THRESHOLD}).items())
    norms = "" if config.norm_eps is None else _NORMS.format(eps=config.norm_eps)
    return _TEMPLATE.format(builder=config.builder, options=options, norms=norms)
