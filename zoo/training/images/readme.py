"""How to use a result without zoo, for networks that are torchvision's or like them; goes into its README."""

from __future__ import annotations

from zoo.training.head import DETECTION, REGRESSION, SEGMENTATION, SEVERAL_LABELS, SINGLE_LABEL, HeadConfig
from zoo.training.images.config import ImageConfig
from zoo.training.images.pyramid import MapSources

_TEMPLATE = """## Use without zoo

```python
import json
from pathlib import Path

import torch, torchvision
from PIL import Image
from safetensors.torch import load_file
from torchvision import transforms

config = json.loads(Path("this folder/config.json").read_text(encoding="utf-8"))
{build}
model.load_state_dict(load_file("this folder/model.safetensors"))
model.eval()
prepare = transforms.Compose([
    transforms.Resize({size}{resize}),
    transforms.CenterCrop(config["image"]["input_size"][1]),
    transforms.ToTensor(),
    transforms.Normalize(config["image"]["mean"], config["image"]["std"]),
])
{answer}
```
"""
_SIZE = 'config["image"]["resize_size"]'
_BICUBIC = ", transforms.InterpolationMode.BICUBIC"
_LOGITS = """with torch.inference_mode():
    logits = model(prepare(Image.open("a.jpg").convert("RGB"))[None])
"""
_ANSWERS = {
    SINGLE_LABEL: 'print(config["labels"][logits.argmax(-1)])',
    SEVERAL_LABELS: "probabilities = logits[0].sigmoid().tolist()\n"
    'print([label for label, p in zip(config["labels"], probabilities) if p >= config["threshold"]])',
    REGRESSION: "print(logits.item())  # in the unit of the data",
}
_FEATURES = """with torch.inference_mode():
    features = model(prepare(Image.open("a.jpg").convert("RGB"))[None])"""


def torchvision_readme(config: ImageConfig, build: str, sources: MapSources | None = None) -> str:
    """Of a network with a head, or without.

    Args:
        config: of the result.
        build: lines of Python that make `model`, a network of random numbers.
        sources: of the feature maps of a network that gives any.
    """
    if config.head and config.head.problem_type == DETECTION:
        from zoo.training.images.detector_readme import detector_readme

        assert sources is not None
        return detector_readme(config, build, sources)
    if config.head and config.head.problem_type == SEGMENTATION:
        from zoo.training.images.segmenter_readme import segmenter_readme

        assert sources is not None
        return segmenter_readme(config, build, sources)
    resize = _BICUBIC if config.preprocessing.interpolation == "bicubic" else ""
    size = f"[{_SIZE}] * 2" if config.preprocessing.crop_mode == "squash" else _SIZE
    return _TEMPLATE.format(build=build, size=size, resize=resize, answer=_answer(config.head))


def _answer(head: HeadConfig | None) -> str:
    return _LOGITS + _ANSWERS[head.problem_type] if head else _FEATURES
