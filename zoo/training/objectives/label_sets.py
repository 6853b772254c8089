"""Any number of labels for each input."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import LabelSet, Prediction
from zoo.answers.scores import ranked
from zoo.data.example import Example
from zoo.metrics import LabelSetMetrics
from zoo.metrics.label_sets import DEFAULT_THRESHOLD
from zoo.training.body import Body
from zoo.training.head import SEVERAL_LABELS, HeadConfig
from zoo.training.objective import LESSONS, Batch, Output
from zoo.training.objectives.pooled import LABELS, SMALLEST, PooledObjective, probabilities

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun


class LabelSets(PooledObjective):
    """Binary cross entropy, the mean over the labels; the target is 1 for each label of the example, else 0.

    The threshold is the one with which the best evaluation had the largest micro F1.
    """

    def __init__(self, run: TrainingRun, body: Body[Any]) -> None:
        super().__init__(run, body, HeadConfig(problem_type=SEVERAL_LABELS, labels=run.labels))
        self._is_private = run.is_private

    @classmethod
    def answers(cls, outputs: torch.Tensor, head_config: HeadConfig, limit: int | None) -> list[Prediction]:
        """The labels whose sigmoid reaches the threshold."""
        by_probability = outputs.sigmoid().sort(stable=True, dim=-1, descending=True)
        pairs = zip(by_probability.values.tolist(), by_probability.indices.tolist(), strict=True)
        return [
            LabelSet.of(ranked(head_config.labels, values, indices), head_config.threshold, limit)
            for values, indices in pairs
        ]

    @classmethod
    def outputs_of(cls, targets: torch.Tensor, head_config: HeadConfig) -> torch.Tensor:
        """Logarithm of the odds of each label among the neighbours."""
        return targets.mean(1).logit(SMALLEST)

    def target(self, example: Example) -> list[float]:
        """1 for each label of the example, else 0."""
        return [float(label in example.target) for label in self.head_config.labels]

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Mean binary cross entropy of each example, shape (batch,)."""
        targets, logits = batch[LABELS], self.outputs(module, batch)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(-1)
        figures = {"targets": targets, "probabilities": logits.detach().sigmoid(), "loss": losses.detach()}
        return Output(losses, figures, logits=logits)

    def lesson(self, answer: Prediction, features: Any) -> list[float]:
        """Logarithm of the odds of each label."""
        return [math.log(p) - math.log1p(-p) for p in probabilities(answer, self.head_config.labels)]

    def taught_losses(self, logits: torch.Tensor, lessons: Batch, temperature: float) -> torch.Tensor:
        """Kullback-Leibler divergence of the softened probabilities, the mean over the labels, shape (batch,)."""
        cross_entropy = nn.functional.binary_cross_entropy_with_logits
        own, taught = logits / temperature, lessons[LESSONS] / temperature
        targets = taught.sigmoid()
        entropy = cross_entropy(taught, targets, reduction="none")
        return (cross_entropy(own, targets, reduction="none") - entropy).mean(-1) * temperature**2

    def metrics(self) -> LabelSetMetrics:
        """Micro and macro F1 with the best threshold, mean loss."""
        return LabelSetMetrics(self.head_config.labels)

    def conclude(self, metrics: dict[str, float], trained: Callable[[str], nn.Module]) -> None:
        """Keep the threshold; the usual one where it would tell of the rows held out."""
        if not self._is_private:
            self.head_config = replace(self.head_config, threshold=metrics.get("threshold", DEFAULT_THRESHOLD))
