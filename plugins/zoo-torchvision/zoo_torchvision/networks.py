"""torchvision's networks, built, filled and taken apart: a body of pooled features, and the head on it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import torch
from torch import nn
from torchvision.models import get_model  # type: ignore[attr-defined]  # public, and not listed

from zoo import StoreInvalid, Unsupported
from zoo_torchvision.families import family_of

ARCHITECTURE = ("builder", "size", "min_size")
"""Entries of a card's `architecture` that a network is built from."""
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""Begin the names of what only helps to train (Szegedy et al. 2014, section 5), and is left out here."""
_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$")
"""How the published DenseNets name what torchvision's modules call `norm1` and the like."""


class Parts(NamedTuple):
    """A network in two."""

    body: nn.Module
    """From (batch, 3, height, width) to what the head sees."""
    head: nn.Module
    """The last module with weights: a linear layer, or a convolution."""


def arguments(builder: str, size: int) -> dict[str, Any]:
    """What torchvision's function takes beside the number of classes."""
    if builder.startswith("vit"):
        return {"image_size": size}
    if builder in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "transform_input": True, "init_weights": False}
    return {}


def build(architecture: dict[str, Any], outputs: int) -> nn.Module:
    """Torchvision's own network, of random numbers.

    Args:
        architecture: `builder` names torchvision's function; `size` is that of its images.
        outputs: of the head.

    Raises:
        StoreInvalid: torchvision has no such network.
    """
    builder = str(architecture.get("builder"))
    try:
        family_of(builder)
        network: nn.Module = get_model(
            builder, weights=None, num_classes=outputs, **arguments(builder, int(architecture["size"]))
        )
    except (KeyError, ValueError) as error:
        raise StoreInvalid(f"torchvision builds no {builder}: {error}", "train or fetch the model again") from error
    return network


def fill(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Put published weights, or those of a result, into a network.

    Raises:
        StoreInvalid: they are of another network.
    """
    own = network.state_dict()
    renamed = {_DENSE.sub(r"\1\2", name): tensor for name, tensor in state.items() if not name.startswith(AUXILIARY)}
    counters = {name: own[name] for name in own if name.endswith("num_batches_tracked") and name not in renamed}
    complete = own.__class__({**renamed, **counters})
    complete._metadata = own._metadata  # type: ignore[attr-defined]  # MNASNet asks which version it was saved by
    load_state(network, complete)


def load_state(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Put weights into a network of torchvision's, whose classes know earlier names of their tensors.

    Raises:
        StoreInvalid: they are of another network.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        words = " ".join(str(error).split())[:300]
        raise StoreInvalid(f"the weights do not fit the network: {words}", "fetch or train them again") from error


def take_apart(builder: str, network: nn.Module) -> Parts:
    """Body and head; the body gives what stood before the head."""
    family = family_of(builder)
    head = network.get_submodule(family.head)
    if family.classes_only:
        return Parts(network.get_submodule("features"), head)
    owner, _, name = family.head.rpartition(".")
    setattr(network.get_submodule(owner), name, nn.Identity())
    return Parts(network, head)


def trunk_of(builder: str, body: nn.Module) -> tuple[str, ...]:
    """Names of the modules of a body that run one after the other and give feature maps; empty where it gives none."""
    family = family_of(builder)
    if len(family.trunk) != 1:
        return family.trunk
    (parent,) = family.trunk
    names = [f"{parent}.{name}" for name, _ in body.get_submodule(parent).named_children()]
    return tuple(names[: len(names) - family.beside])


def check_size(builder: str, architecture: dict[str, Any], size: int) -> None:
    """Refuse images of a size that the network cannot see.

    Raises:
        Unsupported: naming the sizes that it can.
    """
    stated, least = int(architecture["size"]), int(architecture["min_size"])
    if family_of(builder).one_size and size != stated:
        raise Unsupported(f"{builder} sees images of {stated} pixels, not of {size}", "leave --image-size out")
    if size < least:
        raise Unsupported(f"{builder} needs images of at least {least} pixels, not {size}", f"--image-size {least}")
