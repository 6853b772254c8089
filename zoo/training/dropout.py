"""Dropout whose random numbers cost next to nothing on a CPU."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

FINE = 1 / 64
"""Share below which steps of 1/256 would be too coarse."""


class Dropout(nn.Dropout):
    """Dropout (Srivastava et al. 2014, JMLR 15) that on a CPU decides by one random byte for each element.

    torch draws a float for each, which takes a third of a training step of a small BERT; a byte takes a sixteenth of
    that. The share left out is rounded to a multiple of 1/256, and what is kept is scaled by the rounded one, so that
    the expectation is right. The bytes come from torch's default generator: the same seed drops the same elements.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Leave elements out in training; same shape and type."""
        is_usual = self.training and input.is_cpu and FINE <= self.p < 1
        if not is_usual or torch._C._are_functorch_transforms_active():  # each example has draws of its own then
            return functional.dropout(input, self.p, self.training, self.inplace)
        left_out = min(round(self.p * 256), 255)
        words = torch.empty(-(-input.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        mask = words.view(torch.uint8)[: input.numel()].view(input.shape) >= left_out
        return input * mask.to(input.dtype).mul_(256 / (256 - left_out))
