"""What a private step adds to an ordinary one: clipped gradients in the place of a sum, and noise."""

from __future__ import annotations

import torch

from zoo.training.moving import WeightedBatch
from zoo.training.private.gradients import Apart, Together, UnitGradients, clipped_sum, trained
from zoo.training.private.layers import LayerByLayer, clipped_sum_of_parts
from zoo.training.private.plan import Private
from zoo.training.setup import TrainingSetup


class PrivateGradients:
    """Lets the parameters of a training have gradients that tell little of any unit.

    Args:
        setup: of the training.
        private: how.
    """

    def __init__(self, setup: TrainingSetup, private: Private) -> None:
        self._private, self._autocast = private, setup.accelerator.autocast
        module, objective = setup.method.module, setup.sources[0].objective
        self._module, self._parameters = module, trained(module)
        self._together, self._apart = Together(objective, module), Apart(objective, module)
        self._by_layers = LayerByLayer(objective, module)

    def add(self, weighted: WeightedBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the clipped gradients of a micro-batch to those of the parameters.

        Returns:
            The sum of the losses of its units, and how many units there are, both of shape ().
        """
        losses, sums = self._clipped_sums(weighted)
        for name, gradient in sums.items():
            parameter = self._parameters[name]
            parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
        return losses.nan_to_num(0.0, 0.0, 0.0).sum(), losses.new_tensor(float(len(losses)))

    def _clipped_sums(self, weighted: WeightedBatch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The losses of the units of a micro-batch, and the sum of their clipped gradients, by parameter."""
        private = self._private
        if private.by_layers:
            with self._autocast():
                losses, parts, _ = self._by_layers(*weighted)
            return losses, clipped_sum_of_parts(parts, self._module, private.privacy.clip)
        compute: UnitGradients = self._together if private.together else self._apart
        with self._autocast():
            losses, gradients = compute(*weighted)
        return losses, clipped_sum(gradients, private.privacy.clip)

    def add_noise(self, step: int) -> float:
        """Add the noise of a step to its gradients; returns by what their sum is to be multiplied."""
        private = self._private
        scale = private.noise_multiplier * private.privacy.clip
        for name, parameter in self._parameters.items():
            noise = private.secret.normal(parameter, "noise", step, name).mul_(scale)
            parameter.grad = noise if parameter.grad is None else parameter.grad.add_(noise)
        return 1 / private.expected_units
