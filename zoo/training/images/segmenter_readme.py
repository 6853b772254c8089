"""How to use a segmenter without zoo, with torch and torchvision; goes into the README of a result."""

from __future__ import annotations

import inspect

from zoo.training.images.canvas_readme import LOAD_CONFIG, PLACE_PICTURE
from zoo.training.images.config import ImageConfig
from zoo.training.images.pyramid import MapSources
from zoo.training.images.unet import UNetHead

_PERMUTED = "one.permute(0, 3, 1, 2)"
_TEMPLATE = """## Use without zoo

```python
from __future__ import annotations

import json
from pathlib import Path

import torch, torchvision
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.transforms.functional import normalize, to_tensor

{config}

{build}


{head}

class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleDict({{"body": create_feature_extractor(model, {nodes})}})
        self.decoder = UNetHead({channels}, {stride}, len(labels))

    def forward(self, images):
        maps = [{one} for one in self.backbone["body"](images).values()]
        return self.decoder([images, *maps])


segmenter = Segmenter()
segmenter.load_state_dict(load_file("this folder/model.safetensors"))
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
        nodes={name: str(number) for number, name in enumerate(sources.names)},
        channels=[level.channels for level in sources.levels],
        stride=sources.levels[0].stride,
        one=_PERMUTED if sources.channels_last else "one",
    )
