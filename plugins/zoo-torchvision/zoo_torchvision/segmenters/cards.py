"""The segmenters: torchvision's own figures, from torchvision.json."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from zoo import Ability, Card, ImageFinetuneOptions, ImageInput, ImagePredictOptions, PublishedMetric, TorchvisionEntry

TASK = "image-segmentation"
DATASET = "COCO-val2017-VOC-labels"
LICENSE = "BSD-3-Clause"
DOCS = "https://docs.pytorch.org/vision/stable/models.html#semantic-segmentation"
BACKGROUND = "__background__"
"""What torchvision calls the first class."""


class SegmenterFamily(NamedTuple):
    """What the networks of one family have in common."""

    title: str
    paper: str
    last: tuple[str, ...]
    """Names of the layers in the classifier that know the classes; other classes need new ones."""


FAMILIES = {
    "deeplabv3": SegmenterFamily("DeepLabV3", "https://arxiv.org/abs/1706.05587", ("4",)),
    "fcn": SegmenterFamily("FCN", "https://arxiv.org/abs/1411.4038", ("4",)),
    "lraspp": SegmenterFamily("Lite R-ASPP", "https://arxiv.org/abs/1905.02244", ("low_classifier", "high_classifier")),
}
"""By how the names of their builders begin."""


class SegmenterWeights(TorchvisionEntry, frozen=True, kw_only=True):
    """Weights of a segmenter."""

    miou: float
    """Mean intersection over union, per cent."""
    pixel_acc: float
    """Pixels that get their class, per cent."""
    resize_size: int
    """Shorter side of what the network sees, in pixels."""


class SegmenterRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What one release of torchvision publishes."""

    torchvision: str
    """The release."""
    entries: tuple[SegmenterWeights, ...]
    categories: tuple[str, ...]
    """Of all of them, in the order of their outputs."""


def family_of(builder: str) -> SegmenterFamily:
    """The family of a network.

    Raises:
        KeyError: it is none of these segmenters.
    """
    return FAMILIES[builder.partition("_")[0]]


def is_segmenter(card: Card) -> bool:
    """Whether a model, or what it was trained from, is a segmenter of torchvision's own."""
    return str(card.architecture.get("builder")).partition("_")[0] in FAMILIES


_FINETUNE = Ability(verb="finetune", task=TASK, options=ImageFinetuneOptions)
_PREDICT = Ability(verb="predict", task=TASK, options=ImagePredictOptions)


def _card(entry: SegmenterWeights, **fields: Any) -> Card:
    """A card of an entry's network, with what depends on its weights in the fields."""
    return Card(
        task=TASK,
        family=entry.builder.partition("_")[0],
        parameters=entry.parameters,
        architecture={
            "builder": entry.builder,
            "size": entry.resize_size,
            **({"weights": entry.weights} if "weights" in fields else {}),
            "gflops": entry.gflops,
        },
        input=ImageInput(input_size=(3, entry.resize_size, entry.resize_size), mean=entry.mean, std=entry.std),
        license=entry.license or LICENSE,
        paper=family_of(entry.builder).paper,
        abilities=(_FINETUNE, _PREDICT),
        **fields,
    )


def _cards() -> tuple[Card, ...]:
    release = msgspec.json.decode(
        (files("zoo_torchvision") / "segmenters" / "torchvision.json").read_bytes(), type=SegmenterRelease
    )
    labels = tuple("background" if name == BACKGROUND else name for name in release.categories)
    cards = []
    for entry in release.entries:
        title = f"{family_of(entry.builder).title} on {_backbone(entry.builder)}"
        figures = (("miou", entry.miou), ("pixel_acc", entry.pixel_acc))
        cards += [
            _card(
                entry,
                name=entry.name,
                summary=f"{title}, trained on COCO for the classes of Pascal VOC",
                labels=labels,
                source_url=DOCS,
                weights=entry.published,
                metrics=tuple(
                    PublishedMetric(name=name, value=value, dataset=DATASET, source_url=entry.recipe)
                    for name, value in figures
                ),
            ),
            _card(entry, name=f"{entry.builder}-scratch", summary=f"{title}, from random numbers"),
        ]
    return tuple(sorted(cards, key=lambda card: card.weights is None))


def _backbone(builder: str) -> str:
    """Such as MobileNet V3."""
    return "MobileNet V3" if "mobilenet" in builder else "ResNet-" + builder.rpartition("resnet")[2]


SEGMENTERS = _cards()
