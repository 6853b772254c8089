"""Feature maps of a network, finer ones first: what boxes and masks are found on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from zoo.training.body import Level

LEVELS = 4
"""Most maps: those of strides 4, 8, 16 and 32 mostly (Lin et al. 2017, arXiv:1612.03144, section 3)."""
PROBE = 64
"""Pixels of the picture that tells channels and strides."""


def feature_pyramid(
    blocks: Iterable[nn.Module], images: torch.Tensor, *, channels_last: bool = False
) -> list[torch.Tensor]:
    """The last map of each size that blocks give which run one after the other, finest first.

    Args:
        blocks: in the order of the network.
        images: shape (batch, 3, height, width).
        channels_last: whether the blocks give (batch, height, width, channels).

    Returns:
        The `LEVELS` coarsest ones, or as many as there are, of shape (batch, channels, height, width).
    """
    maps: list[torch.Tensor] = []
    features = images
    for block in blocks:
        features = block(features)
        as_map = features.permute(0, 3, 1, 2) if channels_last else features
        if maps and maps[-1].shape[-2:] == as_map.shape[-2:]:
            maps[-1] = as_map
        else:
            maps.append(as_map)
    return maps[-LEVELS:]


def levels_of(maps: Sequence[torch.Tensor], pixels: int) -> tuple[Level, ...]:
    """What the maps of a square picture tell of all.

    Args:
        maps: finest first, shape (batch, channels, height, width).
        pixels: height and width of the picture.
    """
    return tuple(Level(one.shape[1], pixels // one.shape[-1]) for one in maps)


@dataclass(frozen=True)
class MapSources:
    """Where in a network its feature maps come from, and the lines of a README that take them from there.

    Networks that torch.fx cannot trace have a subclass.
    """

    names: tuple[str, ...]
    """Of the module that gives each, finest first."""
    levels: tuple[Level, ...]
    channels_last: bool = False
    """Whether the modules give (batch, height, width, channels)."""
    imports: ClassVar[str] = "from torchvision.models.feature_extraction import create_feature_extractor\n"
    """Lines that `module` needs."""
    has_other_layers: ClassVar[bool] = False
    """Whether what `module` gives has layers that no map comes from: weights of a result are without those."""

    def module(self, count: int) -> str:
        """What gives the coarsest maps, made of `model`, as Python has it."""
        nodes = {name: str(number) for number, name in enumerate(self.names[-count:])}
        return f"create_feature_extractor(model, {nodes})"

    def maps(self, module: str, count: int) -> str:
        """A list of the maps, finest first, that such a module gives for `images`, as Python has it."""
        given = f"{module}(images).values()"
        return f"[one.permute(0, 3, 1, 2) for one in {given}]" if self.channels_last else f"[*{given}]"


def map_sources(module: nn.Module, names: Sequence[str], *, channels_last: bool = False) -> MapSources:
    """Which modules of a network `feature_pyramid` takes the maps from.

    Args:
        module: the network, in evaluation.
        names: of its modules that run one after the other.
        channels_last: see `feature_pyramid`.
    """
    features = next(module.parameters()).new_zeros(1, 3, PROBE, PROBE)
    last: dict[torch.Size, tuple[str, Level]] = {}
    with torch.inference_mode():
        for name in names:
            features = module.get_submodule(name)(features)
            as_map = features.permute(0, 3, 1, 2) if channels_last else features
            last[as_map.shape[-2:]] = name, levels_of([as_map], PROBE)[0]
    chosen = list(last.values())[-LEVELS:]
    return MapSources(tuple(name for name, _ in chosen), tuple(level for _, level in chosen), channels_last)
