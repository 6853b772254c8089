"""Layers without numbers, which the weights fill."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from zoo.training import Linear

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
}
"""By their names in config.json."""


class EmptyLinear(Linear):
    """A linear layer."""

    def reset_parameters(self) -> None:
        """Leave it as it is."""


class EmptyEmbedding(nn.Embedding):
    """A table."""

    def reset_parameters(self) -> None:
        """Leave it as it is."""


class RMSNorm(nn.RMSNorm):
    """Root mean square norm (Zhang and Sennrich 2019, arXiv:1910.07467), its sums in float32 as in transformers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Over the last dimension."""
        wide = x.float()
        assert self.eps is not None
        normalised = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return self.weight * normalised.to(x.dtype)
