"""Fine-tuning torchvision's detectors on a person's boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from zoo import Example, Rejected, TrainingRun
from zoo.training import Batch, ImageStore, Output
from zoo.training.head import DETECTION, HeadConfig, note_new_head
from zoo.training.images import adaptable_layers
from zoo.training.images.annotated import AnnotatedAugmentation, AnnotatedImage
from zoo.training.images.body import freeze_norms
from zoo.training.images.detecting import JUDGED_THRESHOLD
from zoo.training.images.fcos import MAX_DETECTIONS
from zoo.training.images.store import THREADS
from zoo.training.objectives.boxes import TRUTHS, BoxesObjective, BoxFeatures, filled_up, rows_of
from zoo.training.objectives.maps import IMAGES, SCRATCH_STEPS
from zoo.training.weights import published_file
from zoo_torchvision.detectors.answering import settle
from zoo_torchvision.detectors.config import DetectorConfig
from zoo_torchvision.detectors.learning import learning_detector, parts_of
from zoo_torchvision.detectors.networks import build, filled, published_state
from zoo_torchvision.detectors.readme import readme_of


@dataclass(frozen=True)
class NetworkFrame:
    """The size at which a detector sees a picture, as its own preprocessing scales it."""

    config: DetectorConfig
    fill: tuple[int, int, int]

    def scaled_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Squeezed to one size; or the shorter side so long, unless the longer one would be too long."""
        shorter, longer = self.config.min_size, self.config.max_size
        if self.config.family.one_size:
            return shorter, longer
        scale = min(shorter / min(size), longer / max(size))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def filled_up(self, annotated: AnnotatedImage) -> AnnotatedImage:
        """As it is: the network fills up what lies beside it."""
        return annotated


class DetectorTraining(BoxesObjective):
    """The losses of a network of torchvision's, of each picture alone.

    Args:
        run: its options are `zoo.ImageFinetuneOptions`.
    """

    default_lr = 1e-4
    head_lr = 1e-3
    auto_steps = 250
    min_epochs = 12
    evaluation_batch_size = 4
    collate_threads = THREADS
    layout = (("detector.", ""),)

    def __init__(self, run: TrainingRun) -> None:
        torch.manual_seed(run.options.seed)
        self.run, self.head_config = run, HeadConfig(problem_type=DETECTION, labels=run.labels)
        stated = DetectorConfig.of(run.card, run.weights)
        self.config = stated.learning(run.labels, run.options.image_size)
        self._pretrained = run.weights is not None
        network = _start(run, self.config, stated)
        settle(network, threshold=JUDGED_THRESHOLD, nms=None, limit=MAX_DETECTIONS)
        self.module = learning_detector(self.config.family.name, network)
        self.head = tuple(f"detector.{part}" for part in parts_of(network))
        self.lora_targets = tuple(f"detector.backbone.{name}" for name in adaptable_layers(network.backbone))
        self.micro_batch_size = 16 if self.config.family.one_size else 2
        if not self._pretrained:
            self.default_lr, self.auto_steps = 3e-4, SCRATCH_STEPS
        mean = [round(255 * value) for value in network.transform.image_mean]
        self._frame = NetworkFrame(self.config, (mean[0], mean[1], mean[2]))
        self.images = ImageStore(run, prepare=lambda image: image)
        self._freeze()

    def _freeze(self) -> None:
        """Batch norms, and the first layers: as torchvision has it where a network is pretrained."""
        if not self._pretrained:
            return
        freeze_norms(self.module)
        for name, parameter in self.module.named_parameters():
            if name.removeprefix("detector.").startswith(self.config.family.kept):
                parameter.requires_grad_(False)

    def begin(self) -> None:
        """The method `head` has let all of the head learn, batch norms included."""
        self._freeze()

    def decode(self, examples: Sequence[Example]) -> list[int | Rejected]:
        """Pictures are kept as they are: a prediction scales them from that, too."""
        return self.images.add([example.input for example in examples])

    def collate(self, features: Sequence[BoxFeatures], seeds: Sequence[int], *, training: bool) -> Batch:
        """Views of the size that the network sees; in an evaluation the pictures themselves.

        Returns:
            `images` (batch, height, width, 3) uint8, filled up to the largest; `seen` (batch, 2), width and height of
            each; `boxes` (batch, boxes, 5), class and XYXY in its pixels; `seeds` (batch,); in an evaluation the
            entries of `judged`, too.
        """
        pictures = [self.annotated(one) for one in features]
        if training:
            options = self.run.options
            augment = AnnotatedAugmentation(
                self._frame, options.crop_scale, options.flip, options.rotate, options.jitter
            )
            pictures = [augment(picture, seed) for picture, seed in zip(pictures, seeds, strict=True)]
        batch = {
            IMAGES: _stacked([picture.pixels() for picture in pictures]),
            "seen": torch.tensor([picture.image.size for picture in pictures]),
            "boxes": filled_up([rows_of(picture.labels, picture.boxes) for picture in pictures]),
            "seeds": torch.tensor(seeds),
        }
        return batch if training else batch | self.judged(features)

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Of each picture, shape (batch,)."""
        inputs = {name: batch[name] for name in (IMAGES, "seen", "boxes", "seeds")}
        values, weights, answers = module(**inputs, judged=TRUTHS in batch)
        figures: dict[str, torch.Tensor] = {}
        if TRUTHS in batch:
            named = [_of_classes(rows) for rows in answers]
            figures = self.figures(batch, named, values, weights)
        return Output(values, figures, weights)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what plain torchvision loads."""
        state = {name.removeprefix("detector."): tensor.contiguous() for name, tensor in module.state_dict().items()}
        save_file(state, folder / "model.safetensors")
        self.config.save(folder)
        (folder / "README.md").write_text(readme_of(self.config), encoding="utf-8")


def _start(run: TrainingRun, config: DetectorConfig, stated: DetectorConfig) -> Any:
    """The network to learn, with the head of the weights where that is for the same classes."""
    if run.weights is None:
        return build(config)
    before = HeadConfig(problem_type=DETECTION, labels=stated.labels)
    note_new_head(run, HeadConfig(problem_type=DETECTION, labels=config.labels), before)
    new_head = bool(published_file(run.card)) or stated.outputs != config.outputs
    return filled(config, published_state(run.card, run.weights, run.cache_folder), new_head=new_head)


def _of_classes(rows: torch.Tensor) -> torch.Tensor:
    """Boxes of classes, which the outputs after the first stand for, with the index of the class."""
    rows = rows[rows[:, 5] > 0]
    return torch.cat([rows[:, :5], rows[:, 5:] - 1], 1)


def _stacked(pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    """Pixels of pictures in the upper left corner of what has room for each, (batch, height, width, 3)."""
    height, width = (max(one.shape[axis] for one in pictures) for axis in (0, 1))
    stacked = pictures[0].new_zeros(len(pictures), height, width, 3)
    for room, pixels in zip(stacked, pictures, strict=True):
        room[: pixels.shape[0], : pixels.shape[1]] = pixels
    return stacked
