"""The models: torchvision's own figures, from torchvision.json, and the same networks from random numbers."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from zoo import (
    Ability,
    Card,
    ImageInput,
    ImagePredictOptions,
    ImagePretrainOptions,
    TorchvisionRelease,
    TorchvisionWeights,
    body_tasks,
)
from zoo_resnet.options import ResnetFinetuneOptions

PAPER = "https://arxiv.org/abs/1512.03385"
DOCS = "https://docs.pytorch.org/vision/stable/models/resnet.html"
LICENSE = "BSD-3-Clause"
"""Of torchvision, which publishes the weights."""
SMALL = {"resnet10": 4_903_242, "resnet18": 11_173_962, "resnet34": 21_282_122, "resnet50": 23_520_842}
"""Parameters with the small stem and a head of ten classes."""
RECOMMENDED = "resnet50"
"""Within 1.5 points of resnet152 on ImageNet-1K (80.9 and 82.3 acc@1), at 36% of its multiply-adds."""
_ABILITIES = (
    Ability(verb="pretrain", task="image-feature-extraction", options=ImagePretrainOptions),
    *(
        Ability(verb="finetune", task=task, options=ResnetFinetuneOptions)
        for task in body_tasks("image", "pooled", "levels")
    ),
    Ability(
        verb="predict",
        task="image-classification",
        options=ImagePredictOptions,
        precisions=("fp32", "bf16", "fp16", "int8"),
    ),
)


def _layers(entry: TorchvisionWeights) -> str:
    """The depth that the builder's name tells."""
    return entry.builder.removeprefix("resnet")


def _pretrained(entry: TorchvisionWeights, labels: tuple[str, ...]) -> Card:
    return Card(
        name=entry.name,
        superseded_by=entry.superseded_by,
        task="image-classification",
        family="resnet",
        summary=f"ResNet of {_layers(entry)} layers, trained on ImageNet-1K: torchvision's {entry.weights}",
        parameters=entry.parameters,
        architecture={
            "builder": entry.builder,
            "stem": "imagenet",
            "weights": entry.weights,
            "gflops": entry.gflops,
        },
        input=entry.input,
        labels=labels,
        license=LICENSE,
        paper=PAPER,
        source_url=DOCS,
        weights=entry.published,
        metrics=entry.metrics,
        abilities=_ABILITIES,
        recommended_for=("image-classification",) if entry.name == RECOMMENDED else (),
    )


def _from_scratch(entry: TorchvisionWeights) -> Card:
    """The same network without weights; its parameters include a head of 1,000 classes."""
    return Card(
        name=f"{entry.builder}-scratch",
        task="image-classification",
        family="resnet",
        summary=f"ResNet of {_layers(entry)} layers, from random numbers",
        parameters=entry.parameters,
        architecture={"builder": entry.builder, "stem": "imagenet", "gflops": entry.gflops},
        input=entry.input,
        license=LICENSE,
        paper=PAPER,
        abilities=_ABILITIES,
    )


def _small(builder: str, parameters: int, published: ImageInput) -> Card:
    """A network for images of a few dozen pixels."""
    return Card(
        name=f"{builder}-32px",
        task="image-classification",
        family="resnet",
        summary=f"ResNet of {builder.removeprefix('resnet')} layers for small images, from random numbers",
        parameters=parameters,
        architecture={"builder": builder, "stem": "small"},
        input=msgspec.structs.replace(published, input_size=(3, 32, 32), resize_size=None),
        license=LICENSE,
        paper=PAPER,
        abilities=_ABILITIES,
    )


def _cards() -> tuple[Card, ...]:
    document = TorchvisionRelease.read((files("zoo_resnet") / "torchvision.json").read_bytes())
    first = {entry.builder: entry for entry in reversed(document.entries)}
    published = document.entries[0].input
    return (
        *(_pretrained(entry, document.categories) for entry in document.entries),
        *(_from_scratch(entry) for entry in reversed(first.values())),
        *(_small(builder, parameters, published) for builder, parameters in SMALL.items()),
    )


CARDS = _cards()
