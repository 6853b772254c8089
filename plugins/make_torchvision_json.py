"""Write what the installed torchvision says of its weights, for zoo-resnet and for zoo-torchvision.

    python plugins/make_torchvision_json.py

Cards are made from these files, so that browsing models does not import torchvision.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torchvision
from torchvision import models
from torchvision.models import WeightsEnum, get_model_weights, list_models

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
OTHERS = tuple(name for name in list_models(module=models) if name not in RESNETS)
FOLDER = Path(__file__).parent
FILES = {
    FOLDER / "zoo-resnet" / "zoo_resnet" / "torchvision.json": RESNETS,
    FOLDER / "zoo-torchvision" / "zoo_torchvision" / "torchvision.json": OTHERS,
}


def document(builders: Sequence[str]) -> dict[str, Any]:
    """Every weights entry of these builders, and the categories that all of them tell apart."""
    return {
        "torchvision": torchvision.__version__.partition("+")[0],
        "entries": [
            entry(builder, weights, default=weights is get_model_weights(builder).DEFAULT)
            for builder in builders
            for weights in get_model_weights(builder)
        ],
        "categories": models.ResNet18_Weights.DEFAULT.meta["categories"],
    }


def entry(builder: str, weights: WeightsEnum, *, default: bool) -> dict[str, Any]:
    """One of them, in the terms of `zoo.TorchvisionWeights`."""
    meta, transforms = weights.meta, weights.transforms()
    base_url, _, file = weights.url.rpartition("/")
    prefix = re.search(r"-([0-9a-f]{8,})\.pth$", file)
    assert prefix is not None, f"no digest in the name {file}"
    accuracy = meta["_metrics"]["ImageNet-1K"]
    return {
        "builder": builder,
        "weights": weights.name,
        "default": default,
        "base_url": base_url,
        "file": file,
        "sha256_prefix": prefix[1],
        "about_bytes": round(meta["_file_size"] * 2**20),
        "parameters": meta["num_params"],
        "gflops": meta["_ops"],
        "acc_at_1": _figure(accuracy["acc@1"]),
        "acc_at_5": _figure(accuracy["acc@5"]),
        "recipe": meta["recipe"],
        "crop_size": transforms.crop_size[0],
        "resize_size": transforms.resize_size[0],
        "min_size": max(meta["min_size"]),
        "interpolation": transforms.interpolation.value,
        "mean": transforms.mean,
        "std": transforms.std,
        "license": meta.get("license", ""),
    }


def _figure(value: float) -> float | None:
    """None where torchvision has no number."""
    return None if math.isnan(value) else value


def text(document: dict[str, Any]) -> str:
    """One entry a line."""
    lines = ",\n".join("  " + json.dumps(one, ensure_ascii=False) for one in document["entries"])
    names = json.dumps(document["categories"], ensure_ascii=False)
    return (
        f'{{\n "torchvision": "{document["torchvision"]}",\n "entries": [\n{lines}\n ],\n "categories": {names}\n}}\n'
    )


if __name__ == "__main__":
    for file, builders in FILES.items():
        file.write_text(text(document(builders)), encoding="utf-8")
