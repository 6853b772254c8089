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
    PublishedMetric,
    TorchHubSource,
    Weights,
    WeightsFile,
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
    *(Ability(verb="finetune", task=task, options=ResnetFinetuneOptions) for task in body_tasks("image", "pooled")),
    Ability(verb="predict", task="image-classification", options=ImagePredictOptions),
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One weights entry of torchvision, as `make_torchvision_json.py` writes it."""

    builder: str
    weights: str
    """`IMAGENET1K_V1` or `IMAGENET1K_V2`."""
    default: bool
    """Whether torchvision calls it the best of its builder."""
    base_url: str
    file: str
    sha256_prefix: str
    about_bytes: int
    parameters: int
    gflops: float
    """Multiply-adds of one image, in 10^9."""
    acc_at_1: float
    """Per cent."""
    acc_at_5: float
    recipe: str
    crop_size: int
    resize_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def name(self) -> str:
        """The plain name is the best entry's, as in torchvision."""
        return self.builder if self.default else f"{self.builder}-{self.weights.rpartition('_')[2].lower()}"

    @property
    def layers(self) -> str:
        """The depth that the builder's name tells."""
        return self.builder.removeprefix("resnet")

    @property
    def input(self) -> ImageInput:
        """The published preprocessing."""
        return ImageInput(
            input_size=(3, self.crop_size, self.crop_size), resize_size=self.resize_size, mean=self.mean, std=self.std
        )


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    torchvision: str
    entries: tuple[Entry, ...]
    categories: tuple[str, ...]


def _pretrained(entry: Entry, labels: tuple[str, ...]) -> Card:
    file = WeightsFile(name=entry.file, sha256_prefix=entry.sha256_prefix, about_bytes=entry.about_bytes)
    return Card(
        name=entry.name,
        task="image-classification",
        family="resnet",
        summary=f"ResNet of {entry.layers} layers, trained on ImageNet-1K: torchvision's {entry.weights}",
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
        weights=Weights(files=(file,), sources=(TorchHubSource(base_url=entry.base_url),)),
        metrics=tuple(
            PublishedMetric(name=name, value=value, dataset="ImageNet-1K", source_url=entry.recipe)
            for name, value in (("acc@1", entry.acc_at_1), ("acc@5", entry.acc_at_5))
        ),
        abilities=_ABILITIES,
        recommended_for=("image-classification",) if entry.name == RECOMMENDED else (),
    )


def _from_scratch(entry: Entry) -> Card:
    """The same network without weights; its parameters include a head of 1,000 classes."""
    return Card(
        name=f"{entry.builder}-scratch",
        task="image-classification",
        family="resnet",
        summary=f"ResNet of {entry.layers} layers, from random numbers",
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
    data = (files("zoo_resnet") / "torchvision.json").read_bytes()
    document = msgspec.json.decode(data, type=_Document)
    first = {entry.builder: entry for entry in reversed(document.entries)}
    published = document.entries[0].input
    return (
        *(_pretrained(entry, document.categories) for entry in document.entries),
        *(_from_scratch(entry) for entry in reversed(first.values())),
        *(_small(builder, parameters, published) for builder, parameters in SMALL.items()),
    )


CARDS = _cards()
