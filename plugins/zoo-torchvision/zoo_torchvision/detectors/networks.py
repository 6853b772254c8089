"""torchvision's own detectors, built and filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision.models import get_model  # type: ignore[attr-defined]  # public, and not listed

from zoo import Card, StoreInvalid
from zoo.training.weights import state_of
from zoo_torchvision.detectors.config import DetectorConfig
from zoo_torchvision.networks import load_state

MASKS = "roi_heads.mask_"
"""Begins the names of what finds masks in the boxes of a Mask R-CNN, and is left out."""


def build(config: DetectorConfig) -> Any:
    """Torchvision's network, of random numbers, with an output for each of some classes.

    Raises:
        StoreInvalid: torchvision has no such network.
    """
    sides = {} if config.family.one_size else {"min_size": config.min_size, "max_size": config.max_size}
    try:
        network = get_model(
            config.builder, weights=None, weights_backbone=None, num_classes=len(config.outputs), **sides
        )
    except ValueError as error:
        raise StoreInvalid(
            f"torchvision builds no {config.builder}: {error}", "train or fetch the model again"
        ) from error
    if config.norm_eps is not None:
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = config.norm_eps
    head: Any = network.get_submodule("roi_heads.box_predictor" if hasattr(network, "roi_heads") else "head")
    head.register_forward_hook(_in_full_precision)
    return network


def _in_full_precision(head: nn.Module, inputs: Any, outputs: Any) -> Any:
    """The outputs of a head in float32, also where the network computes in less: of coarse scores many are alike."""
    if isinstance(outputs, dict):
        return {name: tensor.float() for name, tensor in outputs.items()}
    return tuple(tensor.float() for tensor in outputs)


def published_state(card: Card, weights: Path, cache: Path) -> dict[str, torch.Tensor]:
    """The tensors of a model without what finds masks; see `zoo.training.weights.state_of`."""
    state = state_of(card, weights, cache)
    return {name: tensor for name, tensor in state.items() if not name.startswith(MASKS)}


def filled(config: DetectorConfig, state: dict[str, torch.Tensor], *, new_head: bool = False) -> Any:
    """The network with weights that were published, or those of a result.

    Args:
        config: of the network.
        state: the weights.
        new_head: whether the layers that know the classes stay random numbers.

    Raises:
        StoreInvalid: they are of another network.
    """
    network = build(config)
    if new_head:
        head = config.family.head
        own = {name: tensor for name, tensor in network.state_dict().items() if name.startswith(head)}
        state = {name: tensor for name, tensor in state.items() if not name.startswith(head)} | own
    load_state(network, state)
    return network
