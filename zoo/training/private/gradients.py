"""The gradient of each example by itself, shortened to a norm, and their sum.

Two ways lead there. `Together` computes a micro-batch at once, with torch's transformations of functions: an example is
a batch of its own there, too, so its gradient depends on no other one whatever the network does. `Apart` computes one
unit after the other by plain backward passes: what it says is right by construction, and slower. A third one has the
sum alone, see `zoo.training.private.layers`. Which one is taken is found out with a few rows, see
`zoo.training.private.trial`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

from zoo.training.objective import Batch, Objective, output_of
from zoo.training.scalars import in_double

CLIP_EPS = 1e-6
Gradients = Mapping[str, torch.Tensor]
"""By the name of the parameter, each of shape (units, *shape of the parameter)."""


class UnitGradients(Protocol):
    """Computes the gradients of the losses of units, and their losses."""

    def __call__(self, batch: Batch, weights: torch.Tensor) -> tuple[torch.Tensor, Gradients]:
        """Compute them.

        Args:
            batch: as made by `Objective.collate`, on the device.
            weights: of each example in the loss, shape (batch,).

        Returns:
            The loss of each unit, shape (units,), and the gradients.
        """
        ...


class _Losses(nn.Module):
    """An objective's losses as a function of a module's parameters.

    Args:
        objective: has them.
        module: is trained.
    """

    def __init__(self, objective: Objective[Any], module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self._objective = objective

    def forward(self, batch: Batch, count: int) -> torch.Tensor:
        """Of shape (batch,)."""
        return output_of(self._objective, self.module, batch, count).losses


class Together:
    """Each example is a unit; all of a micro-batch at once.

    Args:
        objective: has the losses.
        module: is trained.
    """

    def __init__(self, objective: Objective[Any], module: nn.Module) -> None:
        self._losses = _Losses(objective, module)
        self._gradients = vmap(grad_and_value(self._loss), in_dims=(None, 0, 0), randomness="different")

    def _loss(self, parameters: Gradients, example: Batch, weight: torch.Tensor) -> torch.Tensor:
        """Of one example.

        Args:
            parameters: that are trained, by name.
            example: without the dimension of the batch.
            weight: of the example, shape ().
        """
        one = {name: tensor[None] for name, tensor in example.items()}
        losses: torch.Tensor = functional_call(self._losses, dict(parameters), (one, 1))
        return losses[0].float() * weight

    def __call__(self, batch: Batch, weights: torch.Tensor) -> tuple[torch.Tensor, Gradients]:
        """See `UnitGradients`."""
        names = trained(self._losses.module)
        parameters = {f"module.{name}": parameter.detach() for name, parameter in names.items()}
        gradients, losses = self._gradients(parameters, batch, weights)
        return losses.detach(), {name: gradients[f"module.{name}"] for name in names}


class Apart:
    """A batch is one unit, whose loss is the mean of those of its examples.

    Args:
        objective: has the losses.
        module: is trained.
    """

    def __init__(self, objective: Objective[Any], module: nn.Module) -> None:
        self._losses = _Losses(objective, module)

    def __call__(self, batch: Batch, weights: torch.Tensor) -> tuple[torch.Tensor, Gradients]:
        """See `UnitGradients`."""
        parameters = trained(self._losses.module)
        with torch.enable_grad():
            loss = (self._losses(batch, len(weights)).float() * weights).mean()
            values = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        gradients = {
            name: torch.zeros_like(parameter)[None] if value is None else value[None]
            for (name, parameter), value in zip(parameters.items(), values, strict=True)
        }
        return loss.detach()[None], gradients


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def clipped_sum(gradients: Gradients, clip: float) -> dict[str, torch.Tensor]:
    """Shorten the gradient of each unit, over all parameters, to a norm, and add them up.

    A gradient that is not finite counts as zero: that a step is skipped would tell of the row that did it.

    Args:
        gradients: of the units.
        clip: largest L2 norm.

    Returns:
        By name, in the shape of the parameter.
    """
    squares = [gradient.flatten(1).float().square().sum(1) for gradient in gradients.values()]
    norms = torch.stack(squares).sum(0).sqrt()
    usable, factors = norms.isfinite(), clipping_factors(norms, clip)
    sums = {}
    for name, gradient in gradients.items():
        finite = torch.where(usable.view(-1, *[1] * (gradient.ndim - 1)), gradient, 0.0)
        sums[name] = torch.tensordot(factors.to(finite.dtype), finite, dims=1)
    return sums


def clipping_factors(norms: torch.Tensor, clip: float) -> torch.Tensor:
    """What gradients are multiplied by, so that none is longer than a norm; 0 where one is not finite.

    Args:
        norms: shape (units,).
        clip: largest L2 norm.
    """
    return torch.where(norms.isfinite(), (clip / (norms + CLIP_EPS)).clamp(max=1.0), 0.0)


def disagreement(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> float:
    """How far tensors are from others, as a share of the norm of the latter."""
    difference = sum(float((in_double(a) - in_double(b)).square().sum()) for a, b in zip(ours, theirs, strict=True))
    norm = sum(float(in_double(b).square().sum()) for b in theirs)
    return math.sqrt(difference / norm if norm else difference)
