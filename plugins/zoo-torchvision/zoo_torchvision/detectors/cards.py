"""The detectors: torchvision's own figures, from torchvision.json."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import msgspec

from zoo import (
    Ability,
    Card,
    ImageFinetuneOptions,
    ImageInput,
    ImagePredictOptions,
    PublishedMetric,
    TorchvisionEntry,
    option,
)
from zoo_torchvision.detectors.families import detector_family

TASK = "object-detection"
DATASET = "COCO-val2017"
LICENSE = "BSD-3-Clause"
DOCS = "https://docs.pytorch.org/vision/stable/models.html#object-detection"
UNNAMED = ("__background__", "N/A")
"""Outputs that stand for nothing: the background, and the categories that COCO numbers and never uses."""
ADAPTED_NORMS = ("fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn", "retinanet_resnet50_fpn")
"""Networks whose published weights were trained with batch norms that add nothing to the variance."""


class DetectorWeights(TorchvisionEntry, frozen=True, kw_only=True):
    """Weights of a detector."""

    box_map: float
    """COCO's mAP@[.5:.95], per cent."""
    min_size: int
    """Shorter side of what the network sees, in pixels."""
    max_size: int
    """Longer side at most."""


class DetectorRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What one release of torchvision publishes."""

    torchvision: str
    """The release."""
    entries: tuple[DetectorWeights, ...]
    categories: tuple[str, ...]
    """Of all of them, in the order of their outputs."""


class DetectorPredictOptions(ImagePredictOptions, frozen=True, kw_only=True):
    """Options of predicting with a detector."""

    batch_size: Annotated[
        int, option("Images computed at once, where they are of one size.", ge=1, le=65_536, unit="images")
    ] = 4


@cache
def release() -> DetectorRelease:
    """What the installed data file says."""
    return msgspec.json.decode(
        (files("zoo_torchvision") / "detectors" / "torchvision.json").read_bytes(), type=DetectorRelease
    )


def published_outputs() -> tuple[str, ...]:
    """The class of each output of the published networks; empty for one that stands for nothing."""
    return tuple("" if name in UNNAMED else name for name in release().categories)


_FINETUNE = Ability(verb="finetune", task=TASK, options=ImageFinetuneOptions)
_PREDICT = Ability(verb="predict", task=TASK, options=DetectorPredictOptions)


def _pretrained(entry: DetectorWeights, labels: tuple[str, ...]) -> Card:
    norms = {"norm_eps": 0.0} if entry.builder in ADAPTED_NORMS else {}
    return _card(
        entry,
        name=entry.name,
        summary=f"{detector_family(entry.builder).title} trained on COCO: torchvision's {entry.weights}",
        labels=labels,
        source_url=DOCS,
        weights=entry.published,
        metrics=(PublishedMetric(name="box_map", value=entry.box_map, dataset=DATASET, source_url=entry.recipe),),
        details={**norms, "weights": entry.weights},
    )


def _from_scratch(entry: DetectorWeights) -> Card:
    """The same network without weights; its parameters include outputs for COCO."""
    title = detector_family(entry.builder).title
    return _card(entry, name=f"{entry.builder}-scratch", summary=f"{title} from random numbers", details={})


def _card(entry: DetectorWeights, details: dict[str, Any], **fields: Any) -> Card:
    """A card of an entry's network, with what depends on its weights in details and fields."""
    family = detector_family(entry.builder)
    return Card(
        task=TASK,
        family=family.name,
        parameters=entry.parameters,
        license=entry.license or LICENSE,
        abilities=(_FINETUNE, _PREDICT),
        architecture={
            "builder": entry.builder,
            "min_size": entry.min_size,
            "max_size": entry.max_size,
            **details,
            "gflops": entry.gflops,
        },
        input=ImageInput(input_size=(3, entry.min_size, entry.max_size), mean=entry.mean, std=entry.std),
        paper=family.paper,
        **fields,
    )


def _cards() -> tuple[Card, ...]:
    """Without its masks, a Mask R-CNN from random numbers would be a Faster R-CNN."""
    labels = tuple(name for name in published_outputs() if name)
    return (
        *(_pretrained(entry, labels) for entry in release().entries),
        *(_from_scratch(entry) for entry in release().entries if not entry.builder.startswith("maskrcnn")),
    )


DETECTORS = _cards()
