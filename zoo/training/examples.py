"""Examples that were turned into features once, with what batching needs to know about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from zoo.data.example import Example
from zoo.hyperparameters import TrainingOptions
from zoo.training.batches import MicroBatch, example_seeds
from zoo.training.objective import Batch, Objective
from zoo.training.plan import class_weights


@dataclass(frozen=True)
class EncodedExamples:
    """A data set as the engine sees it."""

    objective: Objective[Any]
    features: list[Any]
    lengths: list[int]
    weights: list[float]
    """Of each example in the loss."""
    seed: int

    def __len__(self) -> int:
        return len(self.features)

    def collate(self, part: MicroBatch, *, epoch: int, device: torch.device) -> tuple[Batch, torch.Tensor]:
        """Make a batch on the device.

        Args:
            part: which examples.
            epoch: what the random draws depend on beside the seed; -1 for an evaluation.
            device: where to.

        Returns:
            The batch, and the weight of each example, shape (batch,); 0 for those that only fill up.
        """
        batch = self.objective.collate(
            [self.features[i] for i in part.indices], example_seeds(part.indices, seed=self.seed, epoch=epoch)
        )
        weights = [self.weights[i] for i in part.indices[: part.count]] + [0.0] * (len(part.indices) - part.count)
        return {name: tensor.to(device) for name, tensor in batch.items()}, torch.tensor(weights, device=device)


def encode(
    objective: Objective[Any],
    examples: Sequence[Example],
    options: TrainingOptions,
    *,
    labels: tuple[str, ...] = (),
) -> EncodedExamples:
    """Turn examples into features; with labels, weigh them as `options` says."""
    features = objective.features(examples)
    weights = [1.0] * len(features)
    if labels:
        groups = [objective.group(feature) for feature in features]
        by_class = class_weights(options, labels, [groups.count(i) for i in range(len(labels))])
        weights = [1.0 if group is None else by_class[group] for group in groups]
    return EncodedExamples(objective, features, [objective.length(f) for f in features], weights, options.seed)
