"""A number for each input."""

from __future__ import annotations

import math
from collections.abc import Callable
from ctypes import c_float
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import Prediction, Quantity
from zoo.data.example import Example
from zoo.errors import DatasetInvalid, Unsupported
from zoo.metrics import RegressionMetrics
from zoo.training.body import HEAD, Body
from zoo.training.head import REGRESSION, HeadConfig
from zoo.training.objective import LESSONS, Batch, Output
from zoo.training.objectives.pooled import LABELS, PooledObjective
from zoo.units import plain_number

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

STEPS_OF_DOUBLE = 2**29
"""In one of float32, whose numbers have 24 digits in base 2; those of float64 have 53."""
WORTH_A_WARNING = 0.01
"""Share of the spread of numbers from which on the rounding of what is saved is told."""


class Regression(PooledObjective):
    """Squared error of standardised numbers: the training data's have mean 0 and standard deviation 1.

    The result says numbers in the unit of the data: its output layer is scaled back before it is written.
    """

    made_from_rows = True

    def __init__(self, run: TrainingRun, body: Body[Any]) -> None:
        if run.is_private:
            raise Unsupported(
                "numbers are learnt in units of their mean and spread, which --private does not protect",
                "learn classes of them, such as low and high",
            )
        super().__init__(run, body, standardising([example.target for example in run.train]))
        if warning := rounding_warning(self.head_config):
            run.warn(warning)

    @classmethod
    def answers(cls, outputs: torch.Tensor, head_config: HeadConfig, limit: int | None) -> list[Prediction]:
        """The number in the unit of the data."""
        return [Quantity(value=z * head_config.std + head_config.mean) for z in outputs[:, 0].tolist()]

    @classmethod
    def outputs_of(cls, targets: torch.Tensor, head_config: HeadConfig) -> torch.Tensor:
        """Mean of the neighbours."""
        return targets[:, :, 0].mean(1, keepdim=True)

    def target(self, example: Example) -> list[float]:
        """The number, standardised, and after it the parts of the number itself."""
        number = float(example.target)
        return [(number - self.head_config.mean) / self.head_config.std, *single_precision_parts(number)]

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Squared error of each example, shape (batch,)."""
        standardised, parts = batch[LABELS][:, 0], batch[LABELS][:, 1:]
        predicted = self.outputs(module, batch)[:, 0]
        losses = (predicted - standardised).square()
        figures = {"number": parts, "predicted": predicted.detach(), "loss": losses.detach()}
        return Output(losses, figures, logits=predicted)

    def lesson(self, answer: Prediction, features: Any) -> list[float]:
        """The number, standardised as those of the data.

        Raises:
            Unsupported: it is none.
        """
        if not isinstance(answer, Quantity):
            raise Unsupported("the teacher says no number", "choose one that has learnt the same task")
        return [(answer.value - self.head_config.mean) / self.head_config.std]

    def taught_losses(self, logits: torch.Tensor, lessons: Batch, temperature: float) -> torch.Tensor:
        """Squared distance of each example, shape (batch,); a number has no temperature."""
        return (logits - lessons[LESSONS][:, 0]).square()

    def metrics(self) -> RegressionMetrics:
        """RMSE, MAE, R2 and Spearman's correlation."""
        return RegressionMetrics()

    def update_metrics(self, metrics: RegressionMetrics, output: Output, count: int) -> None:
        """Count numbers in the unit of the data, as an evaluation of the result does."""
        in_double = {name: values.cpu().double() for name, values in output.for_metrics.items()}
        number = in_double["number"].sum(-1)
        predicted = in_double["predicted"] * self.head_config.std + self.head_config.mean
        figures = {**output.for_metrics, "number": number, "predicted": predicted}
        super().update_metrics(metrics, replace(output, for_metrics=figures), count)

    def conclude(self, metrics: dict[str, float], trained: Callable[[str], nn.Module]) -> None:
        """Scale the output layer back."""
        layer = trained(".".join(filter(None, (HEAD, self.body.output_layer))))
        assert isinstance(layer, nn.Linear)
        trained_here = layer.weight.detach().cpu(), layer.bias.detach().cpu()  # not every device has doubles
        self.head_config, weight, bias = self.head_config.in_unit_of_data(*trained_here)
        layer.load_state_dict({"weight": weight, "bias": bias})


def rounding_warning(head_config: HeadConfig) -> str:
    """What float32 makes of numbers far from zero with a small spread; empty where that is no matter."""
    step = math.ulp(head_config.mean) * STEPS_OF_DOUBLE
    share = step / head_config.std
    if share <= WORTH_A_WARNING:
        return ""
    around, spread = plain_number(head_config.mean), plain_number(head_config.std)
    return (
        f"the numbers lie around {around} with a spread of {spread}, of which a step of float32 is {share:.0%} there "
        f"({plain_number(step)}): zoo answers in finer steps, but other programs that load the result do not: for "
        f"them, subtract {around} from the column first"
    )


def single_precision_parts(number: float) -> list[float]:
    """Three numbers of single precision whose sum is one of double precision, which not every device has."""
    parts = []
    for _ in range(3):
        parts.append(c_float(number).value)
        number -= parts[-1]
    return parts


def standardising(numbers: list[float]) -> HeadConfig:
    """A head that says one number, with the mean and the standard deviation of those to learn from.

    Raises:
        DatasetInvalid: they are all the same.
    """
    mean = math.fsum(numbers) / max(1, len(numbers))
    std = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / max(1, len(numbers)))
    if numbers and len(set(numbers)) == 1:
        raise DatasetInvalid(
            f"every row to train on has the same number, {plain_number(numbers[0])}: there is nothing to learn",
            "is --label the right column?",
        )
    return HeadConfig(problem_type=REGRESSION, mean=mean, std=std or 1.0)
