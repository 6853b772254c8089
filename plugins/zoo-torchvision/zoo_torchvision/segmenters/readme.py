"""How to use a result with torchvision alone; goes into its README."""

from __future__ import annotations

from zoo.training.images import ImageConfig
from zoo.training.images.canvas_readme import LOAD_CONFIG, PLACE_PICTURE

_TEMPLATE = """## Use without zoo

```python
import json
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision.models import get_model
from torchvision.transforms.functional import normalize, to_tensor

{config}

model = get_model({builder!r}, weights=None, weights_backbone=None, num_classes=len(labels))
model.load_state_dict(load_file("this folder/model.safetensors"))
model.eval()

{placed}
with torch.inference_mode():
    scores = model(normalize(to_tensor(canvas), image["mean"], image["std"])[None])["out"]
scores = scores[:, :, : size[1], : size[0]]
mask = torch.nn.functional.interpolate(scores, (picture.height, picture.width), mode="bilinear").argmax(1)[0]
for index, label in enumerate(labels):
    print(label, (mask == index).float().mean().item())
```
"""


def readme_of(config: ImageConfig) -> str:
    """Of a segmenter of torchvision's own."""
    return _TEMPLATE.format(config=LOAD_CONFIG, placed=PLACE_PICTURE, builder=config.architecture["builder"])
