"""How to use a result without zoo; goes into its README."""

from __future__ import annotations

from zoo.training.head import REGRESSION, SEVERAL_LABELS, SINGLE_LABEL
from zoo.training.images import ImageConfig

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
    transforms.Resize(config["image"]["resize_size"]),
    transforms.CenterCrop(config["image"]["input_size"][1]),
    transforms.ToTensor(),
    transforms.Normalize(config["image"]["mean"], config["image"]["std"]),
])
{answer}
```
"""
_STEM = """
model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
model.maxpool = torch.nn.Identity()"""
_RESNET10 = "torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes={classes})"
_OTHERS = "torchvision.models.{builder}(num_classes={classes})"
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


def readme_of(config: ImageConfig) -> str:
    """Of a network with a head, or without."""
    head = config.head
    if head:
        return _TEMPLATE.format(
            build=_build(config, classes=head.outputs), answer=_LOGITS + _ANSWERS[head.problem_type]
        )
    build = _build(config, classes=1) + "\nmodel.fc = torch.nn.Identity()"
    return _TEMPLATE.format(build=build, answer=_FEATURES)


def _build(config: ImageConfig, *, classes: int) -> str:
    builder = config.architecture["builder"]
    call = (_RESNET10 if builder == "resnet10" else _OTHERS).format(builder=builder, classes=classes)
    return f"model = {call}" + (_STEM if config.architecture["stem"] == "small" else "")
