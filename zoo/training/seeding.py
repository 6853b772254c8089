"""Everything random is derived from the run's seed and a position, so that nothing random has to be remembered.

A resumed run draws what the uninterrupted one would have drawn, and several processes draw what one would.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch

from zoo.accelerators import WITH_STREAMS

_MASK = 2**64 - 1


def mix(*numbers: int) -> int:
    """Hash whole numbers to one of 63 bits, with SplitMix64's finaliser (Steele et al. 2014) after each.

    Returns:
        0 to 2**63 - 1, which every generator takes as a seed.
    """
    state = 0
    for number in numbers:
        state = (state + number + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator_of(device: torch.device) -> torch.Generator:
    """The global generator that a module on the device draws from (dropout does)."""
    if device.type in WITH_STREAMS:
        backend = getattr(torch, device.type)
        backend.init()  # before, it knows of no generators
        generators: Sequence[torch.Generator] = backend.default_generators
        return generators[backend.current_device() if device.index is None else device.index]
    return torch.mps._get_default_mps_generator() if device.type == "mps" else torch.default_generator


def seed_all(seed: int, device: torch.device) -> None:
    """Seed every global generator that is drawn from, and no other: `torch.manual_seed` goes through all kinds of
    devices that there could be, and of those that are not in use it notes down the stack each time.
    """
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        generator_of(device).manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
