"""Write zoo_resnet/torchvision.json: what the installed torchvision says of its ResNet weights.

    python plugins/zoo-resnet/make_torchvision_json.py

The cards are made from that file, so that browsing models does not import torchvision.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torchvision
from torchvision.models import WeightsEnum, get_model_weights, resnet

BUILDERS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
FILE = Path(__file__).parent / "zoo_resnet" / "torchvision.json"


def document() -> dict[str, Any]:
    """Every weights entry of every ResNet, and the categories that all of them tell apart."""
    entries = [
        entry(builder, weights, default=weights is get_model_weights(builder).DEFAULT)
        for builder in BUILDERS
        for weights in get_model_weights(builder)
    ]
    return {
        "torchvision": torchvision.__version__.partition("+")[0],
        "entries": entries,
        "categories": resnet.ResNet18_Weights.DEFAULT.meta["categories"],
    }


def entry(builder: str, weights: WeightsEnum, *, default: bool) -> dict[str, Any]:
    """One of them, in the terms of `zoo_resnet.cards.Entry`."""
    meta, transforms = weights.meta, weights.transforms()
    base_url, _, file = weights.url.rpartition("/")
    prefix = re.fullmatch(r"[\w]+-([0-9a-f]{8,})\.pth", file)
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
        "acc_at_1": accuracy["acc@1"],
        "acc_at_5": accuracy["acc@5"],
        "recipe": meta["recipe"],
        "crop_size": transforms.crop_size[0],
        "resize_size": transforms.resize_size[0],
        "mean": transforms.mean,
        "std": transforms.std,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
