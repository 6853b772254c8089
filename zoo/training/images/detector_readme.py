"""How to use a detector without zoo, with torchvision's own FCOS; goes into the README of a result."""

from __future__ import annotations

from zoo.training.images.canvas_readme import LOAD_CONFIG, PLACE_PICTURE, load_weights
from zoo.training.images.config import ImageConfig
from zoo.training.images.detecting import NMS, THRESHOLD
from zoo.training.images.fcos import CHANNELS, CONVOLUTIONS, LEVELS, pyramid_strides
from zoo.training.images.pyramid import MapSources

_TEMPLATE = """## Use without zoo

```python
import json
from pathlib import Path

import torch, torchvision
from PIL import Image
from safetensors.torch import load_file
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead
{imports}from torchvision.ops import FeaturePyramidNetwork, clip_boxes_to_image
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.transforms.functional import to_tensor

{config}

{build}


class Backbone(torch.nn.Module):
    out_channels = {channels}

    def __init__(self):
        super().__init__()
        self.body = {module}
        self.fpn = FeaturePyramidNetwork({inputs}, {channels}, LastLevelP6P7({channels}, {channels}))

    def forward(self, images):
        maps = {maps}
        return self.fpn({{str(number): one for number, one in enumerate(maps)}})


detector = FCOS(
    Backbone(),
    num_classes=len(labels),
    min_size=min(width, height),
    max_size=max(width, height),
    image_mean=image["mean"],
    image_std=image["std"],
    anchor_generator=AnchorGenerator({strides}, ((1.0,),) * {levels}),
    head=FCOSHead({channels}, 1, len(labels), {convolutions}),
    score_thresh={threshold},
    nms_thresh={nms},
)
{load}
detector.eval()

{placed}
with torch.inference_mode():
    found = detector([to_tensor(canvas)])[0]
factors = torch.tensor([picture.width / size[0], picture.height / size[1]] * 2)
boxes = clip_boxes_to_image(found["boxes"] * factors, (picture.height, picture.width))
for box, label, score in zip(boxes.tolist(), found["labels"].tolist(), found["scores"].tolist()):
    print(labels[label], score, box)
```
"""


def detector_readme(config: ImageConfig, build: str, sources: MapSources) -> str:
    """Of a detector on the feature maps of a network of torchvision's.

    Args:
        config: of the result.
        build: lines of Python that make `model`, the network, of random numbers.
        sources: of the maps.
    """
    levels = sources.levels[-LEVELS:]
    strides = pyramid_strides(levels)
    return _TEMPLATE.format(
        config=LOAD_CONFIG,
        build=build,
        placed=PLACE_PICTURE,
        channels=CHANNELS,
        convolutions=CONVOLUTIONS,
        imports=sources.imports,
        module=sources.module(LEVELS),
        maps=sources.maps("self.body", LEVELS),
        load=load_weights("detector", sources),
        inputs=[level.channels for level in levels],
        strides=tuple((stride,) for stride in strides),
        levels=len(strides),
        threshold=THRESHOLD,
        nms=NMS,
    )
