"""Write what the installed torchvision says of its weights, for zoo-resnet and for zoo-torchvision.

    python plugins/make_torchvision_json.py

Cards are made from these files, so that browsing models does not import torchvision.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision
from torchvision import models
from torchvision.models import WeightsEnum, get_model, get_model_weights, list_models

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
OTHERS = tuple(name for name in list_models(module=models) if name not in RESNETS)
DETECTORS = tuple(name for name in list_models(module=models.detection) if "keypoint" not in name)
SEGMENTERS = tuple(list_models(module=models.segmentation))
FOLDER = Path(__file__).parent
OWN = FOLDER / "zoo-torchvision" / "zoo_torchvision"


def documents() -> dict[Path, dict[str, Any]]:
    """What is written, by the files."""
    return {
        FOLDER / "zoo-resnet" / "zoo_resnet" / "torchvision.json": document(RESNETS),
        OWN / "torchvision.json": document(OTHERS),
        OWN / "detectors" / "torchvision.json": document(DETECTORS, detector),
        OWN / "segmenters" / "torchvision.json": document(SEGMENTERS, segmenter),
    }


def document(builders: Sequence[str], figures: Callable[[WeightsEnum], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Every weights entry of these builders, and the categories that all of them tell apart.

    Args:
        builders: names of functions of torchvision.
        figures: what is said of an entry by its kind; those of a classifier where it is left out.
    """
    return {
        "torchvision": torchvision.__version__.partition("+")[0],
        "entries": [
            entry(builder, weights) | (figures or classifier)(weights)
            for builder in builders
            for weights in get_model_weights(builder)
        ],
        "categories": get_model_weights(builders[0]).DEFAULT.meta["categories"],
    }


def entry(builder: str, weights: WeightsEnum) -> dict[str, Any]:
    """What is said of weights of every kind, in the terms of `zoo.TorchvisionEntry`."""
    meta = weights.meta
    base_url, _, file = weights.url.rpartition("/")
    prefix = re.search(r"-([0-9a-f]{8,})\.pth$", file)
    assert prefix is not None, f"no digest in the name {file}"
    return {
        "builder": builder,
        "weights": weights.name,
        "default": weights is get_model_weights(builder).DEFAULT,
        "base_url": base_url,
        "file": file,
        "sha256_prefix": prefix[1],
        "about_bytes": round(meta["_file_size"] * 2**20),
        "parameters": meta["num_params"],
        "gflops": meta["_ops"],
        "recipe": meta["recipe"],
        "license": meta.get("license", ""),
    }


def classifier(weights: WeightsEnum) -> dict[str, Any]:
    """Of a classifier, in the terms of `zoo.TorchvisionWeights`."""
    meta, transforms = weights.meta, weights.transforms()
    accuracy = meta["_metrics"]["ImageNet-1K"]
    return {
        "acc_at_1": _figure(accuracy["acc@1"]),
        "acc_at_5": _figure(accuracy["acc@5"]),
        "crop_size": transforms.crop_size[0],
        "resize_size": transforms.resize_size[0],
        "min_size": max(meta["min_size"]),
        "interpolation": transforms.interpolation.value,
        "mean": transforms.mean,
        "std": transforms.std,
    }


def segmenter(weights: WeightsEnum) -> dict[str, Any]:
    """Of a segmenter, in the terms of zoo-torchvision's `SegmenterWeights`."""
    transforms, figures = weights.transforms(), weights.meta["_metrics"]["COCO-val2017-VOC-labels"]
    return {
        "miou": figures["miou"],
        "pixel_acc": figures["pixel_acc"],
        "resize_size": transforms.resize_size[0],
        "mean": transforms.mean,
        "std": transforms.std,
    }


def detector(weights: WeightsEnum) -> dict[str, Any]:
    """Of a detector, in the terms of zoo-torchvision's `DetectorWeights`; its network has the preprocessing in it."""
    (builder,) = (name for name in DETECTORS if get_model_weights(name) is type(weights))
    with torch.device("meta"):
        transform = get_model(builder, weights=None, weights_backbone=None).transform
    min_size, max_size = transform.fixed_size or (transform.min_size[-1], transform.max_size)
    return {
        "box_map": weights.meta["_metrics"]["COCO-val2017"]["box_map"],
        "min_size": min_size,
        "max_size": max_size,
        "mean": transform.image_mean,
        "std": transform.image_std,
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
    for file, content in documents().items():
        file.write_text(text(content), encoding="utf-8")
