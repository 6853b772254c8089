"""Cards for networks of the Hub with heads of their own: detectors, segmenters, CLIP."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import msgspec

from zoo import (
    Ability,
    Card,
    ImageFinetuneOptions,
    ImageInput,
    Unsupported,
    Weights,
    hub_weights_files,
)
from zoo_transformers.options import LargePicturePredictOptions
from zoo_transformers.pictures import FILE, required_document
from zoo_transformers.vocabularies import TOKENIZERS, check_vocabulary


@dataclass(frozen=True)
class NetworkKind:
    """Networks that answer the same."""

    ending: str
    """Of the names of their classes."""
    task: str
    learnt: tuple[str, ...]
    """Architectures that can be fine-tuned."""
    asked: tuple[str, ...] = ()
    """Those that are taken at all; empty for any."""


DETECTORS = NetworkKind(
    "ForObjectDetection",
    "object-detection",
    learnt=("conditional_detr", "d_fine", "detr", "rt_detr", "rt_detr_v2", "yolos"),
)
SEGMENTERS = (
    NetworkKind("ForSemanticSegmentation", "image-segmentation", learnt=("beit", "segformer", "upernet")),
    NetworkKind("ForInstanceSegmentation", "image-segmentation", learnt=(), asked=("maskformer",)),
    NetworkKind("ForUniversalSegmentation", "image-segmentation", learnt=(), asked=("mask2former",)),
)
CONTRAST = NetworkKind("CLIPModel", "zero-shot-image-classification", learnt=(), asked=("clip",))
KINDS = (DETECTORS, *SEGMENTERS, CONTRAST)
USUAL_EDGES = (800, 1333)
"""Shorter and longer side of what DETR sees (Carion et al. 2020, section 4)."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def kind_of(saved_from: str, model_type: str) -> NetworkKind | None:
    """What networks of a class answer; None where none of these is it.

    Args:
        saved_from: name of the class.
        model_type: as `config.json` states it.
    """
    return next(
        (one for one in KINDS if saved_from.endswith(one.ending) and (not one.asked or model_type in one.asked)), None
    )


def describe(name: str, kind: NetworkKind, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card:
    """The card of such a network; see `zoo_transformers.hub.describe`.

    Raises:
        Unsupported: files are missing, or a package that computes its backbone.
    """
    document = required_document(name, documents)
    if _backbone_of_timm(config) and find_spec("timm") is None:
        raise Unsupported(f"the backbone of {name} is computed by timm, which is not installed", "pip install timm")
    files = {file.name: file for file in weights.files}
    names = (*hub_weights_files(name, files), "config.json", FILE, *(TOKENIZERS if kind is CONTRAST else ()))
    if kind is CONTRAST:
        check_vocabulary(name, files)
    model_type = str(config["model_type"])
    abilities = [Ability(verb="predict", task=kind.task, options=LargePicturePredictOptions)]
    if model_type in kind.learnt:
        abilities.insert(0, Ability(verb="finetune", task=kind.task, options=ImageFinetuneOptions))
    return Card(
        name=name,
        task=kind.task,
        family=model_type.lower(),
        summary=f"{config['architectures'][0]} from the Hub, computed by transformers",
        architecture={"class": config["architectures"][0]},
        input=_input(name, document),
        abilities=tuple(abilities),
        weights=Weights(files=tuple(files[file] for file in names if file in files), sources=weights.sources),
        labels=() if kind is CONTRAST else class_names(name, config),
    )


def is_detector(card: Card) -> bool:
    """Whether a model, or what it was trained from, is a detector."""
    return str(card.architecture.get("class")).endswith(DETECTORS.ending)


def is_segmenter(card: Card) -> bool:
    """Whether a model, or what it was trained from, is a segmenter."""
    return str(card.architecture.get("class")).endswith(tuple(one.ending for one in SEGMENTERS))


def is_contrastive(card: Card) -> bool:
    """Whether a model sets pictures beside texts."""
    return str(card.architecture.get("class")).endswith(CONTRAST.ending)


def class_names(name: str, config: dict[str, Any]) -> tuple[str, ...]:
    """Names of the classes in the order of the outputs, each once; those that transformers assumes where it has none.

    Raises:
        Unsupported: they are not numbered.
    """
    stated = config.get("id2label") or {number: f"LABEL_{number}" for number in range(config.get("num_labels") or 2)}
    try:
        return tuple(dict.fromkeys(str(stated[key]) for key in sorted(stated, key=int)))
    except (TypeError, ValueError) as error:
        raise Unsupported(f"id2label of {name} makes no sense: {error}", "choose another model") from error


def _backbone_of_timm(config: dict[str, Any]) -> bool:
    """Whether timm computes the backbone: DETR's own configurations leave out that it does."""
    backbone = config.get("backbone_config")
    if isinstance(backbone, dict):
        return backbone.get("model_type") == "timm_backbone"
    usual = config["model_type"] in ("detr", "conditional_detr", "deformable_detr", "table-transformer")
    return bool(config.get("use_timm_backbone", usual))


def _input(name: str, document: dict[str, Any]) -> ImageInput:
    """What a card says of how pictures are seen; the file itself decides on it."""
    size, longer = document.get("size", {}), document.get("max_size")
    edges = size if isinstance(size, dict) else {"shortest_edge": size, "longest_edge": longer}
    if not size:
        edges = dict(zip(("shortest_edge", "longest_edge"), USUAL_EDGES, strict=True))
    height = edges.get("height") or edges.get("shortest_edge") or edges.get("max_height")
    width = edges.get("width") or edges.get("longest_edge") or edges.get("max_width") or height
    stated = {
        "type": "image",
        "input_size": (3, height, width),
        "crop_mode": "squash",
        "mean": document.get("image_mean", IMAGENET_MEAN),
        "std": document.get("image_std", IMAGENET_STD),
    }
    try:
        return msgspec.convert(stated, ImageInput)
    except msgspec.ValidationError as error:
        raise Unsupported(f"{FILE} of {name} makes no sense: {error}", "choose another model") from error
