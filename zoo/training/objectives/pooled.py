"""What all objectives have in common that put a head on the body's pooled vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import Prediction, Rejected
from zoo.data.example import Example
from zoo.errors import Unsupported
from zoo.training.body import HEAD, Body, Network
from zoo.training.head import HeadConfig, note_new_head
from zoo.training.objective import Batch, Objective

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

POOLED = "pooled"
"""Entry of a batch that went through a frozen body: what the head sees."""
LABELS = "labels"
"""Entry of a batch: the targets."""
SMALLEST = 1e-7
"""Probability that a teacher's answers are rounded to at either end: single precision knows none closer to 1."""


class PooledObjective(Objective[tuple[Any, Any]]):
    """A head on one vector an input; features are the body's, with the target as a number or several.

    Args:
        run: the training.
        body: gives the vectors.
        head_config: what the outputs of the head are to be.
    """

    head = (HEAD,)

    def __init__(self, run: TrainingRun, body: Body[Any], head_config: HeadConfig) -> None:
        self.body, self.head_config = body, head_config
        self.collate_threads, self.lora_targets, self.layout = body.collate_threads, body.lora_targets, body.layout
        self.default_lr, self.head_lr = body.lr, body.head_lr
        self.micro_batch_size = body.micro_batch_size or self.micro_batch_size
        self.evaluation_batch_size = body.evaluation_batch_size or self.evaluation_batch_size
        if not body.pretrained:
            self.default_lr, self.auto_steps = body.scratch_lr, body.scratch_steps or self.auto_steps
        head = body.head_for(head_config)
        note_new_head(run, head_config, body.head_config)
        self.module = Network(body.module, head, body.pooled)

    @classmethod
    @abstractmethod
    def answers(cls, outputs: torch.Tensor, head_config: HeadConfig, limit: int | None) -> list[Prediction]:
        """What the outputs of a head say.

        Args:
            outputs: float32, shape (batch, outputs); a number is standardised.
            head_config: of the head.
            limit: most labels of an answer that come with their probability; None for all.
        """

    @abstractmethod
    def target(self, example: Example) -> Any:
        """What is learnt of an example, as `torch.tensor` takes it in a list of several."""

    @classmethod
    def outputs_of(cls, targets: torch.Tensor, head_config: HeadConfig) -> torch.Tensor | None:
        """What a head would say of inputs whose nearest neighbours have these targets.

        Args:
            targets: as `target` makes them, shape (inputs, neighbours, ...).
            head_config: of the head.

        Returns:
            Float32 of shape (inputs, outputs); None where targets cannot be averaged.
        """
        return None

    def features(self, examples: Sequence[Example]) -> list[tuple[Any, Any] | Rejected]:
        """Encode the inputs."""
        encoded = self.body.encode([example.input for example in examples])
        return [
            features if isinstance(features, Rejected) else (features, self.target(example))
            for features, example in zip(encoded, examples, strict=True)
        ]

    def length(self, features: tuple[Any, Any]) -> int:
        """Of the input."""
        return self.body.length(features[0])

    def begin(self) -> None:
        """Let the body leave out what none of the features needs."""
        self.body.begin()

    def collate(self, features: Sequence[tuple[Any, Any]], seeds: Sequence[int], *, training: bool) -> Batch:
        """The body's batch, and the targets of shape (batch, ...)."""
        batch = self.body.collate([of_input for of_input, _ in features], seeds, training=training)
        return {**batch, LABELS: torch.tensor([target for _, target in features])}

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        """The pooled vectors of shape (batch, width), and the targets."""
        assert isinstance(module, Network)
        return {POOLED: self.body.pooled(module.body, _inputs(batch)), LABELS: batch[LABELS]}

    def outputs(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Of the head, float32 of shape (batch, outputs)."""
        if POOLED in batch:
            assert isinstance(module, Network)
            outputs: torch.Tensor = module.head(batch[POOLED])
        else:
            outputs = module(**_inputs(batch))
        return outputs.float()

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what the body's own ecosystem loads."""
        assert isinstance(module, Network)
        self.body.end()
        self.body.save(folder, module.state_for(self.layout), self.head_config)


def _inputs(batch: Batch) -> Batch:
    return {name: tensor for name, tensor in batch.items() if name != LABELS}


def divergences(logits: torch.Tensor, lessons: torch.Tensor, temperature: float) -> torch.Tensor:
    """Kullback-Leibler divergence of softened probabilities, times the square of the temperature.

    Args:
        logits: shape (..., labels).
        lessons: logarithms of a teacher's probabilities, of the same shape.
        temperature: divides both.

    Returns:
        Shape (...).
    """
    own, taught = ((scores / temperature).log_softmax(-1) for scores in (logits, lessons))
    return nn.functional.kl_div(own, taught, reduction="none", log_target=True).sum(-1) * temperature**2


def probabilities(answer: Prediction, labels: Sequence[str]) -> list[float]:
    """How probable a teacher holds each label, between 0 and 1, so that logarithms are finite.

    Raises:
        Unsupported: it does not say so of all.
    """
    said = answer.numbers()
    if missing := [label for label in labels if label not in said]:
        raise Unsupported(
            f"the teacher does not say how probable {missing[0]!r} is", "choose one that tells the same labels apart"
        )
    return [min(max(said[label], SMALLEST), 1 - SMALLEST) for label in labels]
