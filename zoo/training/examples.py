"""Examples that were turned into features once, with what batching needs to know about each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.errors import PluginBroken, Unsupported
from zoo.hyperparameters import TrainingOptions
from zoo.plurals import counted
from zoo.training.batches import EVALUATION, MicroBatch, example_seeds
from zoo.training.objective import Batch, Objective, Pieces
from zoo.training.plan import class_weights


class Examples(Protocol):
    """A data set that batches are made of."""

    @property
    def lengths(self) -> list[int]:
        """Cost of each example."""
        ...

    @property
    def weights(self) -> list[float]:
        """Of each example in the loss."""
        ...

    def __len__(self) -> int: ...

    def collate(self, part: MicroBatch, *, epoch: int) -> tuple[Batch, torch.Tensor]:
        """Make a batch, on the CPU.

        Args:
            part: which examples.
            epoch: what the random draws depend on beside the seed; -1 for an evaluation.

        Returns:
            The batch, and the weight of each example, shape (batch,); 0 for those that only fill up.
        """
        ...


@dataclass(frozen=True)
class EncodedExamples:
    """A data set as the engine sees it."""

    objective: Objective[Any]
    features: list[Any]
    lengths: list[int]
    weights: list[float]
    """Of each example in the loss."""
    seed: int
    examples: Sequence[Example] = ()
    """What each of the features was made of; one that was divided stands several times."""

    def __len__(self) -> int:
        return len(self.features)

    def collate(self, part: MicroBatch, *, epoch: int) -> tuple[Batch, torch.Tensor]:
        """Let the objective make a batch."""
        batch = self.objective.collate(
            [self.features[i] for i in part.indices],
            example_seeds(part.indices, seed=self.seed, epoch=epoch),
            training=epoch != EVALUATION,
        )
        weights = [self.weights[i] for i in part.indices[: part.count]] + [0.0] * (len(part.indices) - part.count)
        return batch, torch.tensor(weights)


def encode(
    objective: Objective[Any],
    examples: Sequence[Example],
    options: TrainingOptions,
    *,
    set_aside: Callable[[Sequence[tuple[Example, str]]], None],
    labels: tuple[str, ...] = (),
) -> EncodedExamples:
    """Turn examples into features, without those that turn out unusable; with labels, weigh them as `options` says.

    Raises:
        PluginBroken: the objective leaves examples out.
        Unsupported: classes are to be weighed, and the objective knows of none.
    """
    encoded = objective.features(examples)
    if len(encoded) != len(examples):
        raise PluginBroken(
            f"{type(objective).__name__}.features() gave {counted(len(encoded), 'feature')} "
            f"for {counted(len(examples), 'example')}",
            "it gives one for each, in order; zoo.Rejected(reason) stands for what cannot be used",
        )
    pairs = list(zip(examples, encoded, strict=True))
    set_aside([(example, feature.reason) for example, feature in pairs if isinstance(feature, Rejected)])
    divided = [
        (example, piece)
        for example, feature in pairs
        if not isinstance(feature, Rejected)
        for piece in (feature.features if isinstance(feature, Pieces) else (feature,))
    ]
    features, usable = [feature for _, feature in divided], [example for example, _ in divided]
    weights = _weights(objective, features, labels, getattr(options, "class_weights", "none"))
    lengths = [objective.length(feature) for feature in features]
    return EncodedExamples(objective, features, lengths, weights, options.seed, usable)


def _weights(objective: Objective[Any], features: list[Any], labels: tuple[str, ...], choice: str) -> list[float]:
    """Of each example in the loss, by its class, where it has one and `choice` says so."""
    if not labels or choice == "none":
        return [1.0] * len(features)
    groups = [objective.group(feature) for feature in features]
    if features and all(group is None for group in groups):
        raise Unsupported(
            f"--class-weights is {choice}, but this model does not say of which class an example is", "leave it out"
        )
    by_class = class_weights(choice, labels, [groups.count(i) for i in range(len(labels))])
    return [1.0 if group is None else by_class[group] for group in groups]
