"""Cards for networks of the Hub with heads of their own: detectors, segmenters, CLIP."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import msgspec
from msgspec.structs import replace

from zoo import (
    Ability,
    Card,
    ImageFinetuneOptions,
    ImageInput,
    Unsupported,
    hub_weights,
)
from zoo_transformers.options import LargePicturePredictOptions
from zoo_transformers.pictures import FILE, required_document
from zoo_transformers.reading import Reading, Repository
from zoo_transformers.vocabularies import TOKENIZERS, check_vocabulary

USUAL_EDGES = (800, 1333)
"""Shorter and longer side of what DETR sees (Carion et al. 2020, section 4)."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def describe(repository: Repository, reading: Reading) -> Card:
    """The card of a detector or a segmenter.

    Raises:
        Unsupported: files are missing, or a package that computes its backbone.
    """
    name, config = repository.name, repository.config
    if _backbone_of_timm(config) and find_spec("timm") is None:
        raise Unsupported(f"the backbone of {name} is computed by timm, which is not installed", "pip install timm")
    learnt = (Ability(verb="finetune", task=reading.task, options=ImageFinetuneOptions),)
    card = _card(repository, reading.task, learnt if repository.model_type in reading.learnt else ())
    return replace(card, labels=class_names(name, config))


def describe_contrastive(repository: Repository, reading: Reading) -> Card:
    """The card of a model that sets pictures beside texts.

    Raises:
        Unsupported: files are missing.
    """
    check_vocabulary(repository.name, {file.name for file in repository.weights.files})
    return _card(repository, reading.task, (), TOKENIZERS)


def _card(repository: Repository, task: str, learnt: tuple[Ability, ...], more_files: tuple[str, ...] = ()) -> Card:
    name, saved_from = repository.name, repository.saved_from
    document = required_document(name, repository.documents)
    weights = hub_weights(name, repository.weights, optional=(FILE, *more_files))
    return Card(
        name=name,
        task=task,
        family=repository.model_type.lower(),
        summary=f"{saved_from} from the Hub, computed by transformers",
        architecture={"class": saved_from},
        input=_input(name, document),
        abilities=(*learnt, Ability(verb="predict", task=task, options=LargePicturePredictOptions)),
        weights=weights,
    )


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
