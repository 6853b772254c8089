"""Feature maps of a network, finer ones first: what boxes and masks are found on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
