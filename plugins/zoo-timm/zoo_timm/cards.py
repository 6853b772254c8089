"""The models: what timm's own configuration of one says, and a few networks from random numbers."""

from __future__ import annotations

import csv
import json
from collections import Counter
from functools import cache
from importlib.util import find_spec
from math import floor
from pathlib import Path
from typing import Any

import msgspec

import zoo
from zoo import Ability, Card, ImageInput, Unsupported, Weights

CLASSIFICATION, FEATURES = "image-classification", "image-feature-extraction"
FILES = ("model.safetensors", "config.json")
SCRATCH = {"resnet10t": 5_435_488, "mobilenetv4_conv_small": 3_774_024, "convnext_femto": 5_217_784}
"""Offered without weights: timm's names, and their parameters with a head of 1,000 classes."""
OWN_ARGUMENTS = {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir"}
"""What timm's builder is told by zoo, and by no file of the Hub: it would read other weights."""
_CLASSES = {1000: "", 11221: "21k_miil", 11821: "12k", 21841: "22k", 21842: "22k_ms", 21843: "21k_goog"}
"""timm's lists of classes for models that do not name theirs, by how many there are, as timm infers them."""


def describe(name: str, config: dict[str, Any], weights: Weights) -> Card:
    """The card of a model of the Hub, whose `config.json` has `architecture`, `model_args` and `pretrained_cfg`.

    Raises:
        Unsupported: it lacks a file, asks for more than a network of timm, or sees images as zoo does not show them.
    """
    builder, stated = str(config.get("architecture")), config.get("model_args") or {}
    if not builder.isidentifier() or not isinstance(stated, dict) or OWN_ARGUMENTS & stated.keys():
        raise Unsupported(f"{name} names no network of timm, or reads more than its own files", "choose another model")
    files = tuple(file for file in weights.files if file.name in FILES)
    if len(files) < len(FILES):
        raise Unsupported(f"{name} lacks {' or '.join(FILES)}", "choose a model that has both")
    labels, arguments = _labels_of(config), {key: value for key, value in stated.items() if key != "num_classes"}
    return _card(
        name,
        CLASSIFICATION if labels else FEATURES,
        {"builder": builder, "arguments": arguments},
        config["pretrained_cfg"],
        summary=f"timm's {builder}, {config['pretrained_cfg'].get('tag') or 'as published'}",
        labels=labels,
        weights=Weights(files=files, sources=weights.sources),
    )


def _card(name: str, task: str, architecture: dict[str, Any], published: dict[str, Any], **fields: Any) -> Card:
    """A card of a network; on feature maps more is learnt."""
    fixed_size = bool(published.get("fixed_input_size")) or "img_size" in architecture["arguments"]
    has_maps = not fixed_size and architecture["builder"] in networks_with_maps()
    learnt = zoo.body_tasks("image", "pooled", "levels") if has_maps else zoo.body_tasks("image", "pooled")
    return Card(
        name=name,
        task=task,
        family="timm",
        architecture={**architecture, "fixed_size": fixed_size},
        input=_input_of(name, published),
        license=str(published.get("license") or ""),
        abilities=(
            Ability(verb="pretrain", task=FEATURES, options=zoo.ImagePretrainOptions),
            *(Ability(verb="finetune", task=one, options=zoo.ImageFinetuneOptions) for one in learnt),
            Ability(
                verb="predict",
                task=task,
                options=zoo.ImagePredictOptions,
                precisions=("fp32", "bf16", "fp16", "int8"),
            ),
        ),
        **fields,
    )


@cache
def networks_with_maps() -> frozenset[str]:
    """Those that give feature maps of four strides for images of any size, as make_timm_json.py found out."""
    document = json.loads(Path(__file__).with_name("feature_maps.json").read_bytes())
    return frozenset(document["networks"])


def _input_of(name: str, published: dict[str, Any]) -> ImageInput:
    """As `timm.data.create_transform` has it for an evaluation."""
    size = published.get("input_size") or (3, 224, 224)
    stated = {
        "type": "image",
        "input_size": size,
        "resize_size": floor(size[1] / (published.get("crop_pct") or 0.875)),
        "interpolation": published.get("interpolation") or "bicubic",
        "crop_mode": published.get("crop_mode") or "center",
        "mean": published.get("mean") or (0.485, 0.456, 0.406),
        "std": published.get("std") or (0.229, 0.224, 0.225),
    }
    try:
        seen = msgspec.convert(stated, ImageInput)
    except msgspec.ValidationError as error:
        raise Unsupported(f"{name} sees images as zoo does not show them: {error}", "choose another model") from error
    if seen.input_size != (3, seen.input_size[1], seen.input_size[1]):
        raise Unsupported(f"{name} sees images that are not square, or not in colour", "choose another model")
    return seen


def _labels_of(config: dict[str, Any]) -> tuple[str, ...]:
    """Names of the classes in the order of the outputs; numbers where nobody names them; none without a head."""
    stated = config["pretrained_cfg"] | config
    count, names = int(stated.get("num_classes") or 0), stated.get("label_names") or ()
    if names and len(names) == count:
        return _distinct(names, stated.get("label_descriptions") or {})
    return _imagenet(_CLASSES[count]) if count in _CLASSES else tuple(map(str, range(count)))


@cache
def _imagenet(subset: str) -> tuple[str, ...]:
    """Out of timm's own files, found without importing it, and torch with it."""
    specification = find_spec("timm")
    assert specification is not None
    folder = Path(str(specification.origin)).parent / "data" / "_info"
    with (folder / "imagenet_synset_to_lemma.txt").open(encoding="utf-8", newline="") as lines:
        lemmas = dict(csv.reader(lines, delimiter="\t"))
    return _distinct((folder / f"imagenet{subset}_synsets.txt").read_text(encoding="utf-8").splitlines(), lemmas)


def _distinct(names: list[str], descriptions: dict[str, str]) -> tuple[str, ...]:
    """What each class is called; where two are called the same, with the name that tells them apart."""
    titles = [descriptions.get(name, name) for name in names]
    counts = Counter(titles)
    return tuple(
        title if counts[title] == 1 else f"{title} ({name})" for name, title in zip(names, titles, strict=True)
    )


CARDS = tuple(
    _card(
        f"{builder}-scratch",
        CLASSIFICATION,
        {"builder": builder, "arguments": {}},
        {"license": "Apache-2.0"},
        summary=f"timm's {builder}, from random numbers",
        parameters=parameters,
    )
    for builder, parameters in SCRATCH.items()
)
