"""One label for each input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.metrics import ClassificationMetrics
from zoo.training.body import HEAD, Body, Network
from zoo.training.objective import Batch, Objective, Output

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

POOLED = "pooled"
"""Entry of a batch that went through a frozen body: what the head sees."""
LABELS = "labels"


class Classification(Objective[tuple[Any, int]]):
    """Cross entropy of a head on the body's pooled vectors; features are the body's, with the index of the label."""

    head = (HEAD,)

    def __init__(self, run: TrainingRun, body: Body[Any]) -> None:
        self.body = body
        self._labels = run.labels
        self._index = {label: i for i, label in enumerate(run.labels)}
        self.collate_threads, self.lora_targets, self.layout = body.collate_threads, body.lora_targets, body.layout
        self.default_lr, self.head_lr = body.lr, body.head_lr
        self.micro_batch_size = body.micro_batch_size or self.micro_batch_size
        if not body.pretrained:
            self.default_lr, self.auto_steps = body.scratch_lr, body.scratch_steps or self.auto_steps
        head = body.new_head(len(run.labels))
        if body.labels == run.labels:  # rows of an output layer that stand for other labels are of no use
            head.load_state_dict(body.head_state, strict=False)
        elif body.labels:
            run.note(f"the head is new: {len(run.labels):,} labels, the weights had {len(body.labels):,}")
        self.module = Network(body.module, head, body.pooled)

    def features(self, examples: Sequence[Example]) -> list[tuple[Any, int] | Rejected]:
        """Encode the inputs."""
        encoded = self.body.encode([example.input for example in examples])
        return [
            features if isinstance(features, Rejected) else (features, self._index[str(example.label)])
            for features, example in zip(encoded, examples, strict=True)
        ]

    def length(self, features: tuple[Any, int]) -> int:
        """Of the input."""
        return self.body.length(features[0])

    def group(self, features: tuple[Any, int]) -> int:
        """Index of the label."""
        return features[1]

    def begin(self) -> None:
        """Let the body leave out what none of the features needs."""
        self.body.begin()

    def collate(self, features: Sequence[tuple[Any, int]], seeds: Sequence[int], *, training: bool) -> Batch:
        """The body's batch, and the labels of shape (batch,)."""
        batch = self.body.collate([of_input for of_input, _ in features], seeds, training=training)
        return {**batch, LABELS: torch.tensor([label for _, label in features])}

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        """The pooled vectors of shape (batch, width), and the labels."""
        assert isinstance(module, Network)
        return {POOLED: self.body.pooled(module.body, _inputs(batch)), LABELS: batch[LABELS]}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Cross entropy of each example, shape (batch,)."""
        labels = batch[LABELS]
        if POOLED in batch:
            assert isinstance(module, Network)
            logits: torch.Tensor = module.head(batch[POOLED])
        else:
            logits = module(**_inputs(batch))
        logits = logits.float()
        losses = nn.functional.cross_entropy(logits, labels, reduction="none")
        return Output(losses, {"label": labels, "predicted": logits.detach().argmax(-1), "loss": losses.detach()})

    def metrics(self) -> ClassificationMetrics:
        """Accuracy, macro F1, mean loss."""
        return ClassificationMetrics(self._labels)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what the body's own ecosystem loads."""
        assert isinstance(module, Network)
        self.body.end()
        self.body.save(folder, module.state_for(self.layout), self._labels)


def _inputs(batch: Batch) -> Batch:
    return {name: tensor for name, tensor in batch.items() if name != LABELS}
