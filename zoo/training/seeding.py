"""Everything random is derived from the run's seed and a position, so that nothing random has to be remembered.

A resumed run draws what the uninterrupted one would have drawn, and several processes draw what one would.
"""

from __future__ import annotations

import random

import numpy as np
import torch

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


def seed_all(seed: int, device: torch.device) -> None:
    """Seed every global generator that a module on the device may draw from (dropout does)."""
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)  # of all devices; for one that is not in use it would note down the stack each time
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
