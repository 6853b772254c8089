"""Fine-tuning: image classification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import ResNet

from zoo import ClassificationMetrics, Example, Rejected, TrainingRun
from zoo.training import Batch, ImageStore, Objective, Output
from zoo_resnet.augmentation import Augmentation
from zoo_resnet.config import Config, config_of
from zoo_resnet.images import THREADS, image_store
from zoo_resnet.network import HEAD, build, freeze, load_body
from zoo_resnet.preprocessing import Preprocessing
from zoo_resnet.readme import classification_readme
from zoo_resnet.weights import state_of

Features = tuple[int, int]
"""Number of the image in the store, and the index of its label."""
SCRATCH_LR = 1e-3
"""Peak learning rate where nothing is pretrained."""
SCRATCH_STEPS = 400


class Classification(Objective[Features]):
    """Cross entropy of a linear layer on the pooled features (He et al. 2015, section 3.3)."""

    default_lr = 1e-4
    head_lr = 3e-3
    head = (HEAD,)
    lora_targets = ("conv1", "conv2", "conv3")
    collate_threads = THREADS
    module: ResNet

    def __init__(self, run: TrainingRun) -> None:
        self._index = {label: i for i, label in enumerate(run.labels)}
        known = config_of(run.card, run.weights)
        preprocessing = known.preprocessing.at(run.options.image_size)
        self._config = Config(known.architecture, run.labels, preprocessing)
        self._augment = Augmentation(
            preprocessing.size, run.options.crop_scale, run.options.flip, run.options.rotate, run.options.jitter
        )
        self._images: ImageStore = image_store(run, preprocessing)
        self.module = self._network(run, known)
        freeze(self.module, run.options.frozen_stages)

    def _network(self, run: TrainingRun, known: Config) -> ResNet:
        torch.manual_seed(run.options.seed)
        network = build(known.architecture, len(run.labels))
        if run.weights is None:
            self.default_lr, self.auto_steps = SCRATCH_LR, SCRATCH_STEPS
        else:
            load_body(network, state_of(run.card, run.weights, run.cache_folder), head=known.labels == run.labels)
        return network.to(memory_format=torch.channels_last)

    @property
    def preprocessing(self) -> Preprocessing:
        """What an evaluation sees."""
        return self._config.preprocessing

    def features(self, examples: Sequence[Example]) -> list[Features | Rejected]:
        """Decode."""
        found = self._images.add([example.input for example in examples])
        return [
            number if isinstance(number, Rejected) else (number, self._index[str(example.label)])
            for number, example in zip(found, examples, strict=True)
        ]

    def group(self, features: Features) -> int:
        """Index of the label."""
        return features[1]

    def collate(self, features: Sequence[Features], seeds: Sequence[int], *, training: bool) -> Batch:
        """Random views in training, the centre in an evaluation: uint8, shape (batch, size, size, 3)."""
        images = [self._images[number] for number, _ in features]
        if training:
            views = [self._augment(image, seed) for image, seed in zip(images, seeds, strict=True)]
        else:
            views = [self.preprocessing.crop(image) for image in images]
        return {"images": torch.from_numpy(np.stack(views)), "labels": torch.tensor([label for _, label in features])}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Cross entropy of each example, shape (batch,)."""
        labels = batch["labels"]
        images = self.preprocessing.normalise(batch["images"])
        if (
            module.training and len(images) == 1
        ):  # batch norm has no variance over one value, all that is left of a tiny image
            images = images.repeat(2, 1, 1, 1)
        logits: torch.Tensor = module(images)[: len(labels)].float()
        losses = nn.functional.cross_entropy(logits, labels, reduction="none")
        return Output(losses, {"labels": labels, "predicted": logits.detach().argmax(-1), "losses": losses.detach()})

    def metrics(self) -> ClassificationMetrics:
        """Accuracy, macro F1, mean loss."""
        return ClassificationMetrics(self._config.labels)

    def update_metrics(self, metrics: Any, output: Output, count: int) -> None:
        """Count the examples of a batch."""
        columns = [output.for_metrics[name][:count].tolist() for name in ("labels", "predicted", "losses")]
        for label, predicted, loss in zip(*columns, strict=True):
            metrics.update(label, predicted, loss)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write a state dict that torchvision's own network loads, and what else is needed to use it."""
        save_file(
            {name: tensor.contiguous() for name, tensor in module.state_dict().items()}, folder / "model.safetensors"
        )
        self._config.save(folder)
        (folder / "README.md").write_text(classification_readme(self._config), encoding="utf-8")
