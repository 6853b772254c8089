"""Pretraining without labels: SimCLR (Chen et al. 2020, arXiv:2002.05709)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.errors import DatasetInvalid
from zoo.metrics import MeanLoss
from zoo.training.body import Network
from zoo.training.images.body import ImageBody
from zoo.training.objective import Batch, Objective, Output

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

PROJECTED = 128
"""Numbers the loss compares (appendix B.9)."""
GREY = 0.2
"""Probability of a view without colour (appendix A)."""


class Contrastive(Objective[int]):
    """Of all views in a batch, find the other one of the same image.

    Two random views of each image; the normalised temperature-scaled cross entropy (NT-Xent, equation 1), averaged over
    both directions, is the loss of the image. The views are compared through a projection that is trained along and
    thrown away (section 2.1). The strangers are the other images computed at once, so a micro-batch smaller than the
    batch means fewer of them.

    Args:
        run: its task has `zoo.ContrastiveOptions`.
        body: sees the images.
    """

    default_lr = 3e-4
    batch_size = 128
    micro_batch_size = 512
    auto_steps = 2_000
    min_epochs = 20

    def __init__(self, run: TrainingRun, body: ImageBody) -> None:
        self.body = body
        self.collate_threads = body.collate_threads
        self._temperature: float = run.options.temperature
        self._augmentation = dataclasses.replace(body.augmentation, grey=GREY if body.augmentation.jitter else 0.0)
        if not body.pretrained:
            self.default_lr = body.scratch_lr
        projection = nn.Sequential(
            nn.Linear(body.width, body.width), nn.BatchNorm1d(body.width), nn.ReLU(), nn.Linear(body.width, PROJECTED)
        )
        self.module = Network(body.module, projection, body.pooled)

    def features(self, examples: Sequence[Example]) -> list[int | Rejected]:
        """Decode.

        Raises:
            DatasetInvalid: there is one image only, which has no strangers.
        """
        numbers = self.body.encode([example.input for example in examples])
        if len(examples) == 1:
            raise DatasetInvalid(
                f"{examples[0].input} is the only image to learn from or to evaluate on; contrasts need at least two",
                "give more images, or --eval-share 0 to evaluate on none",
            )
        return numbers

    def collate(self, features: Sequence[int], seeds: Sequence[int], *, training: bool) -> Batch:
        """Two views of each image, in an evaluation, too: uint8, shape (batch, 2, size, size, 3)."""
        images = [self.body.images[number] for number in features]
        pairs = [
            np.stack([self._augmentation(image, seed), self._augmentation(image, seed ^ 1)])
            for image, seed in zip(images, seeds, strict=True)
        ]
        return {"images": torch.from_numpy(np.stack(pairs))}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """NT-Xent of each image, shape (batch,)."""
        projected: torch.Tensor = module(images=batch["images"].transpose(0, 1).flatten(0, 1))
        losses = nt_xent(projected.float(), self._temperature)
        return Output(losses, {"loss": losses.detach()})

    def metrics(self) -> MeanLoss:
        """Mean loss."""
        return MeanLoss()

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write the body alone."""
        assert isinstance(module, Network)
        self.body.save(folder, module.state_for(self.body.layout, head=False), None)


def nt_xent(projected: torch.Tensor, temperature: float) -> torch.Tensor:
    """Cross entropy of finding the other view of the same image by its similarity (Chen et al. 2020, equation 1).

    Args:
        projected: shape (2 * batch, features); row i and row batch + i are views of the same image.
        temperature: divides the cosine similarities.

    Returns:
        Shape (batch,): the mean of the two directions.
    """
    batch = len(projected) // 2
    unit = nn.functional.normalize(projected, dim=1)
    similarities = unit @ unit.T / temperature
    similarities = similarities.masked_fill(torch.eye(2 * batch, dtype=torch.bool, device=unit.device), -torch.inf)
    others = torch.arange(2 * batch, device=unit.device).roll(batch)
    return nn.functional.cross_entropy(similarities, others, reduction="none").view(2, batch).mean(0)
