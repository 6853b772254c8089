"""A number for each input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import Prediction, Quantity
from zoo.data.example import Example
from zoo.errors import DatasetInvalid
from zoo.metrics import RegressionMetrics
from zoo.training.body import HEAD, Body
from zoo.training.head import REGRESSION, HeadConfig
from zoo.training.objective import Batch, Output
from zoo.training.objectives.pooled import LABELS, PooledObjective

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun


class Regression(PooledObjective):
    """Squared error of standardised numbers: the training data's have mean 0 and standard deviation 1.

    The result says numbers in the unit of the data: its output layer is scaled back before it is written.
    """

    def __init__(self, run: TrainingRun, body: Body[Any]) -> None:
        super().__init__(run, body, standardising([example.target for example in run.train]))

    @classmethod
    def answers(cls, outputs: torch.Tensor, head_config: HeadConfig, limit: int | None) -> list[Prediction]:
        """The number in the unit of the data."""
        return [Quantity(value=z * head_config.std + head_config.mean) for z in outputs[:, 0].tolist()]

    def target(self, example: Example) -> float:
        """The number, standardised."""
        return (float(example.target) - self.head_config.mean) / self.head_config.std

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Squared error of each example, shape (batch,)."""
        numbers, predicted = batch[LABELS], self.outputs(module, batch)[:, 0]
        losses = (predicted - numbers).square()
        return Output(losses, {"number": numbers, "predicted": predicted.detach(), "loss": losses.detach()})

    def metrics(self) -> RegressionMetrics:
        """RMSE, MAE, R2 and Spearman's correlation, in the unit of the data."""
        return RegressionMetrics(mean=self.head_config.mean, std=self.head_config.std)

    def conclude(self, metrics: dict[str, float], trained: Callable[[str], nn.Module]) -> None:
        """Scale the output layer back."""
        layer = trained(".".join(filter(None, (HEAD, self.body.output_layer))))
        assert isinstance(layer, nn.Linear)
        weight, bias = self.head_config.in_unit_of_data(layer.weight.detach(), layer.bias.detach())
        layer.load_state_dict({"weight": weight, "bias": bias})


def standardising(numbers: list[float]) -> HeadConfig:
    """A head that says one number, with the mean and the standard deviation of those to learn from.

    Raises:
        DatasetInvalid: they are all the same.
    """
    mean = math.fsum(numbers) / max(1, len(numbers))
    std = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / max(1, len(numbers)))
    if numbers and len(set(numbers)) == 1:
        raise DatasetInvalid(
            f"every row to train on has the same number, {numbers[0]:.7g}: there is nothing to learn",
            "is --label the right column?",
        )
    return HeadConfig(problem_type=REGRESSION, mean=mean, std=std or 1.0)
