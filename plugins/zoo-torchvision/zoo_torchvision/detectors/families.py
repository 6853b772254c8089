"""torchvision's detectors: what each family is called, who described it, and which of its layers know the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zoo import Card


class DetectorFamily(NamedTuple):
    """What the networks of one family have in common."""

    name: str
    """Of the family, as cards have it."""
    title: str
    paper: str
    head: str
    """How the names of the layers begin that know the classes; other classes need new ones."""
    kept: tuple[str, ...] = ()
    """How the names of the first layers begin, which stay as they are where they are pretrained, as in torchvision."""
    one_size: bool = False
    """Whether pictures are squeezed to one size, for which the network is made."""


_STEM = ("backbone.body.conv1.", "backbone.body.bn1.", "backbone.body.layer1.")
_OF_MOBILENET = tuple(f"backbone.body.{block}." for block in range(7))
_OF_VGG = ("backbone.features.0.", "backbone.features.2.")
_PREDICTOR, _LOGITS = "roi_heads.box_predictor.", "head.classification_head.cls_logits."
_FAMILIES = {
    "ssd300": DetectorFamily(
        "ssd", "SSD", "https://arxiv.org/abs/1512.02325", "head.classification_head.", _OF_VGG, one_size=True
    ),
    "ssdlite320": DetectorFamily(
        "ssd", "SSDlite", "https://arxiv.org/abs/1905.02244", "head.classification_head.", one_size=True
    ),
    "fasterrcnn": DetectorFamily(
        "faster-rcnn", "Faster R-CNN", "https://arxiv.org/abs/1506.01497", _PREDICTOR, (*_STEM, *_OF_MOBILENET)
    ),
    "retinanet": DetectorFamily("retinanet", "RetinaNet", "https://arxiv.org/abs/1708.02002", _LOGITS, _STEM),
    "fcos": DetectorFamily("fcos", "FCOS", "https://arxiv.org/abs/1904.01355", _LOGITS, _STEM),
    "maskrcnn": DetectorFamily("mask-rcnn", "Mask R-CNN", "https://arxiv.org/abs/1703.06870", _PREDICTOR, _STEM),
}
"""By how the names of their builders begin."""


def is_detector(card: Card) -> bool:
    """Whether a model, or what it was trained from, is a detector of torchvision's own."""
    return str(card.architecture.get("builder")).partition("_")[0] in _FAMILIES


def detector_family(builder: str) -> DetectorFamily:
    """The family of a network.

    Args:
        builder: name of the function of torchvision that builds it.

    Raises:
        KeyError: it is none of these detectors.
    """
    return _FAMILIES[builder.partition("_")[0]]
