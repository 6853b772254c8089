"""How to use a segmenter without zoo, with torch and torchvision; goes into the README of a result."""

from __future__ import annotations

import inspect

from zoo.training.images.canvas_readme import LOAD_CONFIG, PLACE_PICTURE, load_weights
from zoo.training.images.config import ImageConfig
from zoo.training.images.pyramid import MapSources
from zoo.training.images.unet import UNetHead

_TEMPLATE = """## Use without zoo

```python
from __future__ import annotations

import json
from pathlib import Path

import torch, torchvision
from PIL import Image
from safetensors.torch import load_file
from torch import nn
{imports}from torchvision.transforms.functional import normalize, to_tensor

{config}

{build}


{head}

class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleDict({{"body": {module}}})
        self.decoder = UNetHead({channels}, {stride}, len(labels))

    def forward(self, images):
        maps = {maps}
        return self.decoder([images, *maps])


segmenter = Segmenter()
{load}
segmenter.eval()

{placed}
with torch.inference_mode():
    scores = segmenter(normalize(to_tensor(canvas), image["mean"], image["std"])[None])
scores = scores[:, :, : size[1], : size[0]]
mask = nn.functional.interpolate(scores, (picture.height, picture.width), mode="bilinear").argmax(1)[0]
for index, label in enumerate(labels):
    print(label, (mask == index).float().mean().item())
```
"""


def segmenter_readme(config: ImageConfig, build: str, sources: MapSources) -> str:
    """Of a segmenter on the feature maps of a network of torchvision's.

    Args:
        config: of the result.
        build: lines of Python that make `model`, the network, of random numbers.
        sources: of the maps.
    """
    return _TEMPLATE.format(
        config=LOAD_CONFIG,
        build=build,
        placed=PLACE_PICTURE,
        head=inspect.getsource(UNetHead),
        imports=sources.imports,
        module=sources.module(len(sources.levels)),
        maps=sources.maps('self.backbone["body"]', len(sources.levels)),
        load=load_weights("segmenter", sources),
        channels=[level.channels for level in sources.levels],
        stride=sources.levels[0].stride,
    )
