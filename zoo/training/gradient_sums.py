"""Gradients of several losses of one step, whose factors are known when each is complete."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from zoo.training.scalars import Scalar, scale
from zoo.training.sharding import local


class GradientSums:
    """The gradients of the sources of one step, added up apart: the factor of each is known when it is complete.

    Args:
        parameters: that have them.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = parameters
        self._sums: dict[nn.Parameter, torch.Tensor] = {}

    def take_in(self, factor: Scalar) -> None:
        """Add the gradients that the parameters have, times a factor, and leave the parameters without any."""
        gradients = {p: p.grad for p in self._parameters if p.grad is not None}
        if isinstance(factor, torch.Tensor):
            scale(list(map(local, gradients.values())), factor)
            factor = 1.0
        for parameter, gradient in gradients.items():
            if parameter in self._sums:
                local(self._sums[parameter]).add_(local(gradient), alpha=factor)
            else:
                local(gradient).mul_(factor)
                self._sums[parameter] = gradient
            parameter.grad = None

    def give_back(self) -> None:
        """Let the parameters have the sums."""
        for parameter, gradient in self._sums.items():
            parameter.grad = gradient
