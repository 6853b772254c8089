"""Pretraining without labels: SimCLR (Chen et al. 2020, arXiv:2002.05709)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import ResNet

from zoo import DatasetInvalid, Example, MeanLoss, Rejected, TrainingRun
from zoo.training import Batch, ImageStore, Objective, Output
from zoo_resnet.augmentation import Augmentation
from zoo_resnet.config import Config, config_of
from zoo_resnet.images import THREADS, image_store
from zoo_resnet.network import build, load_body
from zoo_resnet.preprocessing import Preprocessing
from zoo_resnet.readme import features_readme
from zoo_resnet.weights import state_of

SCRATCH_LR = 1e-3
"""Peak learning rate where nothing is pretrained yet."""
PROJECTED = 128
"""Numbers the loss compares (appendix B.9)."""
GREY = 0.2
"""Probability of a view without colour (appendix A)."""


class Projected(nn.Module):
    """A network and, while it is pretrained, the projection that its features are compared through (section 2.1)."""

    def __init__(self, body: ResNet, features: int) -> None:
        super().__init__()
        self.body = body
        self.projection = nn.Sequential(
            nn.Linear(features, features), nn.BatchNorm1d(features), nn.ReLU(), nn.Linear(features, PROJECTED)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """From (batch, 3, height, width) to (batch, 128)."""
        projected: torch.Tensor = self.projection(self.body(images))
        return projected


class Contrastive(Objective[int]):
    """Of all views in a batch, find the other one of the same image.

    Two random views of each image; the normalised temperature-scaled cross entropy (NT-Xent, equation 1), averaged over
    both directions, is the loss of the image. The strangers are the other images computed at once, so a micro-batch
    smaller than the batch means fewer of them.
    """

    default_lr = 3e-4
    batch_size = 128
    micro_batch_size = 512
    auto_steps = 2_000
    min_epochs = 20
    collate_threads = THREADS
    task = "image-feature-extraction"
    module: Projected

    def __init__(self, run: TrainingRun) -> None:
        known = config_of(run.card, run.weights)
        preprocessing = known.preprocessing.at(run.options.image_size)
        self._config = Config(known.architecture, (), preprocessing)
        self._temperature: float = run.options.temperature
        self._augment = Augmentation(
            preprocessing.size,
            run.options.crop_scale,
            run.options.flip,
            run.options.rotate,
            run.options.jitter,
            grey=GREY if run.options.jitter else 0.0,
        )
        self._images: ImageStore = image_store(run, preprocessing)
        self.module = self._network(run)

    def _network(self, run: TrainingRun) -> Projected:
        torch.manual_seed(run.options.seed)
        features = build(self._config.architecture, 1).fc.in_features
        body = build(self._config.architecture, 0)
        if run.weights is None:
            self.default_lr = SCRATCH_LR
        else:
            load_body(body, state_of(run.card, run.weights, run.cache_folder), head=False)
        return Projected(body, features).to(memory_format=torch.channels_last)

    @property
    def preprocessing(self) -> Preprocessing:
        """What the result sees."""
        return self._config.preprocessing

    def features(self, examples: Sequence[Example]) -> list[int | Rejected]:
        """Decode.

        Raises:
            DatasetInvalid: there is one image only, which has no strangers.
        """
        found = self._images.add([example.input for example in examples])
        if len(examples) == 1:
            raise DatasetInvalid(
                f"{examples[0].input} is the only image to learn from or to evaluate on; contrasts need at least two",
                "give more images, or --eval-share 0 to evaluate on none",
            )
        return found

    def collate(self, features: Sequence[int], seeds: Sequence[int], *, training: bool) -> Batch:
        """Two views of each image, in an evaluation, too: uint8, shape (batch, 2, size, size, 3)."""
        images = [self._images[number] for number in features]
        pairs = [
            np.stack([self._augment(image, seed), self._augment(image, seed ^ 1)])
            for image, seed in zip(images, seeds, strict=True)
        ]
        return {"images": torch.from_numpy(np.stack(pairs))}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """NT-Xent of each image, shape (batch,)."""
        views = batch["images"].transpose(0, 1).flatten(0, 1)
        projected: torch.Tensor = module(self.preprocessing.normalise(views))
        losses = nt_xent(projected.float(), self._temperature)
        return Output(losses, {"losses": losses.detach()})

    def metrics(self) -> MeanLoss:
        """Mean loss."""
        return MeanLoss()

    def update_metrics(self, metrics: Any, output: Output, count: int) -> None:
        """Count the images of a batch."""
        for loss in output.for_metrics["losses"][:count].tolist():
            metrics.update(loss)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write the body alone, as a state dict that torchvision's own network loads once its head is taken off."""
        assert isinstance(module, Projected)
        state = {name: tensor.contiguous() for name, tensor in module.body.state_dict().items()}
        save_file(state, folder / "model.safetensors")
        self._config.save(folder)
        (folder / "README.md").write_text(features_readme(self._config), encoding="utf-8")


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
