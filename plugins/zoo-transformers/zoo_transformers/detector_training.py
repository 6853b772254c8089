"""Fine-tuning transformers' detectors on a person's boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo import Example, Rejected, TrainingRun
from zoo.training import Batch, ImageStore, Output
from zoo.training.head import DETECTION, HeadConfig, note_new_head
from zoo.training.images.annotated import AnnotatedAugmentation
from zoo.training.images.body import freeze_norms
from zoo.training.images.detecting import JUDGED_THRESHOLD
from zoo.training.images.fcos import MAX_DETECTIONS
from zoo.training.images.store import THREADS
from zoo.training.objectives.boxes import SIZES, TRUTHS, BoxesObjective, BoxFeatures, filled_up, rows_of
from zoo.training.objectives.maps import IMAGES
from zoo_transformers.detectors import boxes_of, detector_config, heads_of, load_detector, output_names, renew_classes
from zoo_transformers.network import adaptable_layers
from zoo_transformers.picture_losses import LearningDetector, box_counts, stacked
from zoo_transformers.processors import ProcessorFrame, normalised, read_processor, rejected_as_narrow, scaled, set_size

_README = """## Use without zoo

```python
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForObjectDetection

processor = AutoImageProcessor.from_pretrained("this folder")
model = AutoModelForObjectDetection.from_pretrained("this folder")
picture = Image.open("a.jpg").convert("RGB")
with torch.inference_mode():
    outputs = model(**processor(images=[picture], return_tensors="pt"))
size = (picture.height, picture.width)
found = processor.post_process_object_detection(outputs, threshold=0.4, target_sizes=[size])[0]
for box, label, score in zip(found["boxes"].tolist(), found["labels"].tolist(), found["scores"].tolist()):
    print(model.config.id2label[label], score, box)
```
"""


class DetectorTraining(BoxesObjective):
    """The loss of a network of transformers, of each picture alone; a picture weighs as much as it has boxes.

    Args:
        run: its options are `zoo.ImageFinetuneOptions`.
    """

    default_lr = 5e-5
    head_lr = 1e-3
    auto_steps = 250
    min_epochs = 12
    micro_batch_size = 2
    evaluation_batch_size = 4
    collate_threads = THREADS
    layout = (("detector.", ""),)

    def __init__(self, run: TrainingRun) -> None:
        torch.manual_seed(run.options.seed)
        assert run.weights is not None  # there is no card without
        self.run, self.head_config = run, HeadConfig(problem_type=DETECTION, labels=run.labels)
        self._processor = read_processor(run.weights)
        set_size(self._processor, run.card.name, run.options.image_size)
        self._frame = ProcessorFrame(self._processor)
        network = _start(run)
        freeze_norms(network)
        heads = heads_of(network)
        self.head = tuple(f"detector.{name}" for name in heads)
        if not any(isinstance(network.get_submodule(name), nn.ModuleList) for name in heads):
            self.lora_targets = adaptable_layers(network)
        self.module = LearningDetector(network)
        self.images = ImageStore(run, prepare=lambda image: image)

    def begin(self) -> None:
        """The method `head` has let all of the head learn, batch norms included."""
        freeze_norms(self.module)

    def decode(self, examples: Sequence[Example]) -> list[int | Rejected]:
        """Pictures are kept as they are: a prediction scales them from that, too."""
        numbers = self.images.add([example.input for example in examples])
        return [number if isinstance(number, Rejected) else self._checked(number) for number in numbers]

    def _checked(self, number: int) -> int | Rejected:
        return rejected_as_narrow(self._processor, self.images.original_size(number)) or number

    def collate(self, features: Sequence[BoxFeatures], seeds: Sequence[int], *, training: bool) -> Batch:
        """Views of the size that the network sees.

        Returns:
            `images` (batch, height, width, 3) uint8, filled up to the largest; `seen` (batch, 2), width and height of
            each; `boxes` (batch, boxes, 5), class and XYXY in its pixels; in an evaluation the entries of `judged`.
        """
        pictures = [self.annotated(one) for one in features]
        if training:
            options = self.run.options
            augment = AnnotatedAugmentation(
                self._frame, options.crop_scale, options.flip, options.rotate, options.jitter
            )
            pictures = [augment(picture, seed) for picture, seed in zip(pictures, seeds, strict=True)]
            pixels = [picture.pixels() for picture in pictures]
        else:
            pixels = [scaled(self._processor, picture.image) for picture in pictures]
        rows = [rows_of(picture.labels, picture.boxes) for picture in pictures]
        for shown, picture, boxes in zip(pixels, pictures, rows, strict=True):
            width, height = picture.image.size
            boxes[:, 1:] *= torch.tensor([shown.shape[1] / width, shown.shape[0] / height]).repeat(2)
        batch = {
            IMAGES: stacked(pixels),
            "seen": torch.tensor([one.shape[1::-1] for one in pixels]),
            "boxes": filled_up(rows),
        }
        return batch if training else batch | self.judged(features)

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Of each picture, shape (batch,)."""
        weights = box_counts(batch["boxes"])
        if TRUTHS not in batch:
            values, _ = module(self._pixels(batch[IMAGES]), batch["seen"], batch["boxes"])
            return Output(values, {}, weights)
        parts = [self._judged(module, batch, number) for number in range(len(weights))]
        values, answers = torch.cat([values for values, _ in parts]), [rows for _, rows in parts]
        return Output(values, self.figures(batch, answers, values, weights), weights)

    def _judged(self, module: nn.Module, batch: Batch, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss of one picture, shape (1,), and what is found in it: alone, as in a prediction."""
        one = slice(number, number + 1)
        width, height = batch["seen"][number].tolist()
        pixels = self._pixels(batch[IMAGES][one, :height, :width])
        values, outputs = module(pixels, batch["seen"][one], batch["boxes"][one])
        sizes = [(int(batch[SIZES][number, 0]), int(batch[SIZES][number, 1]))]
        (rows,) = boxes_of(self._processor, outputs, sizes, JUDGED_THRESHOLD)
        return values, rows[:MAX_DETECTIONS].to(values.device)

    def _pixels(self, images: torch.Tensor) -> torch.Tensor:
        return normalised(self._processor, images)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write a folder that transformers' Auto classes load."""
        network: Any = module.detector
        network.tie_weights()  # copies of the head that nothing was computed with
        network.config.architectures = [type(network).__name__]
        network.save_pretrained(folder)
        self._processor.save_pretrained(folder)
        (folder / "README.md").write_text(_README, encoding="utf-8")


def _start(run: TrainingRun) -> Any:
    """The network to learn, with the head of the weights where that is for the same classes."""
    assert run.weights is not None  # there is no card without
    config = detector_config(run.weights)
    before = HeadConfig(problem_type=DETECTION, labels=output_names(config))
    head = HeadConfig(problem_type=DETECTION, labels=run.labels)
    note_new_head(run, head, before)
    config.id2label = dict(enumerate(run.labels))
    config.label2id = {label: number for number, label in enumerate(run.labels)}
    network = load_detector(run.weights, config)
    if not before.means_the_same_as(head):
        renew_classes(network)
    return network
