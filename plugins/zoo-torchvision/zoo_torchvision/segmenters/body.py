"""torchvision's segmenters as bodies: the backbone gives feature maps, and the classifier is the head for masks."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torchvision.models import get_model  # type: ignore[attr-defined]  # public, and not listed

from zoo import PredictionRun, Predictor, StoreInvalid, TrainingRun
from zoo.training.head import SEGMENTATION, HeadConfig
from zoo.training.images import ImageBody, ImageConfig
from zoo.training.weights import published_file, state_of
from zoo_torchvision.networks import load_state
from zoo_torchvision.segmenters.answering import PublishedSegmenter
from zoo_torchvision.segmenters.cards import family_of
from zoo_torchvision.segmenters.readme import readme_of

ARCHITECTURE = ("builder", "size")
AUXILIARY = "aux_classifier."
"""Begins the names of what only helped to train, and is left out here."""


class SegmenterBody(ImageBody):
    """torchvision's backbone; its own classifier becomes the head, its last layers new where the classes are others."""

    provides = frozenset({"levels"})
    mask_layout = (("head.", ""), ("body.", "backbone."))

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        stated = ImageConfig.of(run.card, run.weights, ARCHITECTURE)
        head = None if stated.head is None else HeadConfig(problem_type=SEGMENTATION, labels=stated.head.labels)
        side = int(stated.architecture["size"])
        super().__init__(run, replace(stated, head=head, canvas=stated.canvas or (side, side)))
        self.builder = str(stated.architecture["builder"])
        network = build(self.builder, head.outputs if head else 1)
        if run.weights is not None:
            state = state_of(run.card, run.weights, run.cache_folder)
            load_state(network, {name: one for name, one in state.items() if not name.startswith(AUXILIARY)})
        self.module = network.backbone.to(memory_format=torch.channels_last)
        self.classifier: nn.Module = network.classifier

    def feature_maps(self, module: Any, images: torch.Tensor) -> list[torch.Tensor]:
        """What the classifier sees."""
        return list(module(images).values())

    def mask_head(self, classes: int) -> nn.Module:
        """The classifier of the weights; its last layers are new unless it knows as many classes."""
        classifier = copy.deepcopy(self.classifier)
        if self.head_config is None or self.head_config.outputs != classes:
            for name in family_of(self.builder).last:
                last = classifier.get_submodule(name)
                assert isinstance(last, nn.Conv2d)
                classifier.set_submodule(name, nn.Conv2d(last.in_channels, classes, 1))
        return EnlargedScores(classifier)

    def predictor(self, run: PredictionRun) -> Predictor:
        """As torchvision shows pictures to published weights; results see them as in their training."""
        return PublishedSegmenter(run, self) if published_file(run.card) else super().predictor(run)

    def readme(self, config: ImageConfig) -> str:
        """How to use a result with torchvision alone."""
        return readme_of(config)


class EnlargedScores(nn.Module):
    """A classifier of torchvision's, whose scores are enlarged to the picture.

    Args:
        classifier: on one feature map, or on two by the names `low` and `high`.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Take the picture, normalised, and its feature maps; shape (batch, classes, height, width)."""
        images, *levels = maps
        seen: Any = levels[0] if len(levels) == 1 else dict(zip(("low", "high"), levels, strict=True))
        return nn.functional.interpolate(self.classifier(seen), images.shape[-2:], mode="bilinear")


def build(builder: str, classes: int) -> Any:
    """Torchvision's network, of random numbers, without what only helps to train.

    Raises:
        StoreInvalid: torchvision has no such network.
    """
    arguments = {} if builder.startswith("lraspp") else {"aux_loss": False}
    try:
        return get_model(builder, weights=None, weights_backbone=None, num_classes=classes, **arguments)
    except ValueError as error:
        raise StoreInvalid(f"torchvision builds no {builder}: {error}", "train or fetch the model again") from error
