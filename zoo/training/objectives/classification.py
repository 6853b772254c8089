"""One label for each input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import Classification as Answer
from zoo.answers import Prediction
from zoo.data.example import Example
from zoo.metrics import ClassificationMetrics
from zoo.training.body import Body
from zoo.training.head import HeadConfig
from zoo.training.objective import LESSONS, Batch, Output
from zoo.training.objectives.pooled import LABELS, SMALLEST, PooledObjective, divergences, probabilities

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun


class Classification(PooledObjective):
    """Cross entropy; the target is the index of the label."""

    def __init__(self, run: TrainingRun, body: Body[Any]) -> None:
        super().__init__(run, body, HeadConfig(labels=run.labels))
        self._index = {label: i for i, label in enumerate(run.labels)}

    @classmethod
    def answers(cls, outputs: torch.Tensor, head_config: HeadConfig, limit: int | None) -> list[Prediction]:
        """Labels, most probable first, by the softmax of the logits."""
        labels = head_config.labels
        top = outputs.softmax(-1).topk(min(limit or len(labels), len(labels)))
        return [
            Answer.ranked(labels, values, indices)
            for values, indices in zip(top.values.tolist(), top.indices.tolist(), strict=True)
        ]

    @classmethod
    def outputs_of(cls, targets: torch.Tensor, head_config: HeadConfig) -> torch.Tensor:
        """Logarithm of the share of each label among the neighbours."""
        shares = nn.functional.one_hot(targets, len(head_config.labels)).float().mean(1)
        return shares.clamp(SMALLEST, 1).log()

    def target(self, example: Example) -> int:
        """Index of the label."""
        return self._index[example.target]

    def group(self, features: tuple[Any, Any]) -> int:
        """Index of the label."""
        return int(features[1])

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Cross entropy of each example, shape (batch,)."""
        labels, logits = batch[LABELS], self.outputs(module, batch)
        losses = nn.functional.cross_entropy(logits, labels, reduction="none")
        figures = {"label": labels, "predicted": logits.detach().argmax(-1), "loss": losses.detach()}
        return Output(losses, figures, logits=logits)

    def lesson(self, answer: Prediction, features: Any) -> list[float]:
        """Logarithm of the probability of each label."""
        return [math.log(p) for p in probabilities(answer, self.head_config.labels)]

    def taught_losses(self, logits: torch.Tensor, lessons: Batch, temperature: float) -> torch.Tensor:
        """Kullback-Leibler divergence of the softened probabilities of each example, shape (batch,)."""
        return divergences(logits, lessons[LESSONS], temperature)

    def metrics(self) -> ClassificationMetrics:
        """Accuracy, macro F1, mean loss."""
        return ClassificationMetrics(self.head_config.labels)
