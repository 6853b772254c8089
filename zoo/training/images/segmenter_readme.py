"""How to use a segmenter without zoo, with torch and torchvision; goes into the README of a result."""

from __future__ import annotations

import inspect

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

config = json.loads(Path("this folder/config.json").read_text(encoding="utf-8"))
labels, image = config["labels"], config["image"]
width, height = image["canvas"]

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

picture = Image.open("a.jpg").convert("RGB")
scale = min(width / picture.width, height / picture.height)
size = round(picture.width * scale), round(picture.height * scale)
canvas = Image.new("RGB", (width, height), tuple(round(255 * mean) for mean in image["mean"]))
canvas.paste(picture.resize(size, Image.Resampling.BILINEAR))
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
        build=build,
        head=inspect.getsource(UNetHead),
        nodes={name: str(number) for number, name in enumerate(sources.names)},
        channels=[level.channels for level in sources.levels],
        stride=sources.levels[0].stride,
        one=_PERMUTED if sources.channels_last else "one",
    )
