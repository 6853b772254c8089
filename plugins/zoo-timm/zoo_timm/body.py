"""timm's networks as bodies: images to what their heads see, and feature maps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from zoo import HubSource, PredictionRun, StoreInvalid, TrainingRun, Unsupported
from zoo.training.images import ImageBody, ImageConfig, MapSources, adaptable_layers, torchvision_readme
from zoo.training.weights import fill, network_state, state_of

ARCHITECTURE = ("builder", "arguments", "fixed_size")
"""Entries of a card's `architecture` that a network is built from."""
ELSEWHERE = ("url", "file", "hf_hub_id", "hf_hub_filename", "source", "custom_load")
"""What a published configuration says of other places for its weights; they are here."""
LEVELS = 4
"""Feature maps that are given, the coarsest ones."""


class TimmBody(ImageBody):
    """timm's network without its classifier, which becomes the head."""

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        published = run.card.weights is not None and isinstance(run.card.weights.sources[0], HubSource)
        config = ImageConfig.of(run.card, None if published else run.weights, ARCHITECTURE)
        super().__init__(run, config)
        builder, size = config.architecture["builder"], config.preprocessing.size
        fixed_size = config.architecture["fixed_size"]
        if fixed_size and isinstance(run, TrainingRun) and self.preprocessing.size != size:
            other = self.preprocessing.size
            raise Unsupported(f"{builder} sees images of {size} pixels, not of {other}", "leave --image-size out")
        state = {} if run.weights is None else state_of(run.card, run.weights, run.cache_folder)
        network = _build(config, run.weights if published else None, state)
        self._layer, head = classifier_of(network)
        if state and not published:
            own = network.state_dict()
            new = {name: tensor for name, tensor in own.items() if name.startswith(f"{self._layer}.")}
            fill(network, new | network_state(state, own))
        self.width = head.in_features
        self.output_state = {name: tensor.detach().clone() for name, tensor in head.state_dict().items()}
        network.set_submodule(self._layer, nn.Identity())
        self.module = network.to(memory_format=torch.channels_last)
        self.layout = (("head.", f"{self._layer}."), ("body.", ""))
        self.lora_targets = adaptable_layers(network)
        self._stages = [] if fixed_size else stages_of(network)
        self.provides = frozenset({"pooled", "levels"} if self._stages else {"pooled"})

    def feature_maps(self, module: Any, images: torch.Tensor) -> list[torch.Tensor]:
        """As `features_only` of timm gives them."""
        return feature_maps(module, images, self._stages)

    def readme(self, config: ImageConfig) -> str:
        """How to use a result with timm alone."""
        words = {"num_classes": config.head.outputs if config.head else 1, **config.architecture["arguments"]}
        arguments = "".join(f", {name}={value!r}" for name, value in words.items())
        build = f"import timm\nmodel = timm.create_model({config.architecture['builder']!r}{arguments})"
        headless = "" if config.head else f'\nmodel.set_submodule("{self._layer}", torch.nn.Identity())'
        stages = tuple(map(str, self._stages))
        return torchvision_readme(config, build + headless, StageSources(stages, self.levels) if stages else None)


class StageSources(MapSources):
    """Feature maps after stages, whose numbers stand for names; some networks branch, which torch.fx cannot trace."""

    imports = ""
    has_other_layers = True

    def module(self, count: int) -> str:
        """The whole network."""
        return "model"

    def maps(self, module: str, count: int) -> str:
        """By timm's own method."""
        stages = ", ".join(self.names[-count:])
        return f"{module}.forward_intermediates(images, indices=[{stages}], intermediates_only=True)"


def _build(config: ImageConfig, folder: Path | None, state: dict[str, torch.Tensor]) -> nn.Module:
    """The network with a classifier, of random numbers, or filled with what was published in a folder.

    timm fills it itself: it knows how its earlier versions named weights and numbered classes.

    Raises:
        StoreInvalid: timm has no such network, or the weights are of another one.
    """
    builder, outputs = config.architecture["builder"], config.head.outputs if config.head else 1
    arguments = {**config.architecture["arguments"], "num_classes": outputs}
    try:
        if folder is not None:
            stated = json.loads((folder / "config.json").read_bytes())["pretrained_cfg"]
            here = {name: value for name, value in stated.items() if name not in ELSEWHERE} | {"state_dict": state}
            arguments |= {"pretrained": True, "pretrained_cfg": here}
        network: nn.Module = timm.create_model(builder, **arguments)
    except (OSError, RuntimeError, TypeError, ValueError, KeyError, AttributeError) as error:
        words = " ".join(str(error).split())[:300]
        raise StoreInvalid(f"timm {timm.__version__} does not build {builder}: {words}", "update timm") from error
    return network


def classifier_of(network: Any) -> tuple[str, nn.Linear]:
    """Path and layer that tell classes apart: the last linear one of what timm calls the classifier.

    Raises:
        Unsupported: there are several classifiers, or it is something else.
    """
    classifier = network.get_classifier()
    within = classifier.modules() if isinstance(classifier, nn.Module) else ()
    layers = [module for module in within if isinstance(module, nn.Linear)]
    if not layers:
        name = type(network).__name__
        raise Unsupported(f"timm's {name} has no linear layer as its one classifier", "choose another model")
    return next((name, layers[-1]) for name, module in network.named_modules() if module is layers[-1])


def feature_maps(network: Any, images: torch.Tensor, stages: Sequence[int]) -> list[torch.Tensor]:
    """The maps after some stages of a network, shape (batch, channels, height, width) each."""
    maps: list[torch.Tensor] = network.forward_intermediates(images, indices=[*stages], intermediates_only=True)
    return maps


def stages_of(network: Any) -> list[int]:
    """Numbers of the feature maps for boxes and masks, the last of each stride; none where all have one stride."""
    if not hasattr(network, "forward_intermediates"):
        return []
    strides = {int(stage["reduction"]): i for i, stage in enumerate(network.feature_info)}
    return list(strides.values())[-LEVELS:] if len(strides) >= LEVELS and list(strides) == sorted(strides) else []
