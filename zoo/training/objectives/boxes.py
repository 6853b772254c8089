"""What objectives of boxes have in common, whatever network finds them: features, figures, answers that are shown."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from zoo.answers import Answer, Rejected
from zoo.data.example import Example
from zoo.metrics import DetectionMetrics
from zoo.training.head import HeadConfig
from zoo.training.images.annotated import AnnotatedImage
from zoo.training.images.detecting import THRESHOLD, detections_of
from zoo.training.objective import Batch, Objective, Output

if TYPE_CHECKING:
    from zoo.training.images.store import ImageStore

TRUTHS, SIZES = "truths", "sizes"
"""Entries of a batch that is judged: boxes as `BoxesObjective.judged` has them, and widths and heights of pictures."""
NOTHING = -1.0
"""Fills up the boxes of a picture to as many as another one of its batch has."""


class BoxFeatures(NamedTuple):
    """A picture of the store, and what is in it."""

    number: int
    boxes: torch.Tensor
    """XYXY in pixels of the picture as it is shown, shape (boxes, 4)."""
    labels: torch.Tensor
    """Index of the class of each, shape (boxes,)."""

    @property
    def rows(self) -> torch.Tensor:
        """Class and XYXY of each box, shape (boxes, 5)."""
        return rows_of(self.labels, self.boxes)


class BoxesObjective(Objective[BoxFeatures]):
    """A loss for each picture, judged by average precision."""

    head_config: HeadConfig
    """Its labels are the classes."""
    images: ImageStore
    """Holds the pictures."""

    @abstractmethod
    def decode(self, examples: Sequence[Example]) -> list[int | Rejected]:
        """Numbers of the pictures in the store, or why there is none."""

    def features(self, examples: Sequence[Example]) -> list[BoxFeatures | Rejected]:
        """Decode."""
        index = {label: number for number, label in enumerate(self.head_config.labels)}
        return [
            number if isinstance(number, Rejected) else BoxFeatures(number, *_target(example, index))
            for number, example in zip(self.decode(examples), examples, strict=True)
        ]

    def annotated(self, features: BoxFeatures) -> AnnotatedImage:
        """The picture as it is kept, its boxes in pixels of that."""
        image = self.images[features.number]
        width, height = self.images.original_size(features.number)
        scale = torch.tensor([image.width / width, image.height / height]).repeat(2)
        return AnnotatedImage.with_boxes(image, features.boxes * scale, features.labels)

    def judged(self, features: Sequence[BoxFeatures]) -> Batch:
        """What an evaluation needs to know of pictures.

        Returns:
            `truths` (batch, boxes, 5): class and XYXY in pixels of the picture, filled up with -1; `sizes` (batch, 2).
        """
        sizes = [self.images.original_size(one.number) for one in features]
        return {TRUTHS: filled_up([one.rows for one in features]), SIZES: torch.tensor(sizes)}

    def figures(
        self, batch: Batch, answers: Sequence[torch.Tensor], losses: torch.Tensor, weights: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """What is said of a batch that is judged.

        Args:
            batch: has the entries of `judged`.
            answers: for each picture XYXY in its pixels, score and index of the class, best first, shape (boxes, 6).
            losses: shape (batch,).
            weights: how many items each is the mean of.
        """
        return {TRUTHS: batch[TRUTHS], "answers": filled_up(answers), "loss": losses.detach(), "weight": weights}

    def shown_answers(self, batch: Batch, output: Output, count: int) -> list[Answer]:
        """Boxes as likely as those that a prediction gives."""
        pictures = zip(output.for_metrics["answers"][:count].tolist(), batch[SIZES].tolist(), strict=False)
        return [
            detections_of([row for row in rows if row[4] >= THRESHOLD], self.head_config.labels, (width, height))
            for rows, (width, height) in pictures
        ]

    def metrics(self) -> DetectionMetrics:
        """Average precision and mean loss."""
        return DetectionMetrics(self.head_config.labels)

    def update_metrics(self, metrics: DetectionMetrics, output: Output, count: int) -> None:
        """Count boxes without what fills them up."""
        columns = {name: values[:count].tolist() for name, values in output.for_metrics.items()}
        for truths, answers, loss, weight in zip(
            columns[TRUTHS], columns["answers"], columns["loss"], columns["weight"], strict=True
        ):
            true_boxes = [box for box in truths if box[0] != NOTHING]
            detections = [(index, *corners, score) for *corners, score, index in answers if index != NOTHING]
            metrics.update(true_boxes, detections, loss, weight)


def _target(example: Example, index: dict[str, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes and indices of their classes."""
    boxes = [(box.left, box.top, box.right, box.bottom) for box in example.target]
    labels = [index[box.label] for box in example.target]
    return torch.tensor(boxes, dtype=torch.float32).view(-1, 4), torch.tensor(labels, dtype=torch.long)


def rows_of(labels: Any, boxes: Any) -> torch.Tensor:
    """Class and XYXY of boxes, shape (boxes, 5)."""
    return torch.cat([plain(labels)[:, None], plain(boxes)], 1)


def plain(tensor: Any) -> torch.Tensor:
    """The tensor itself, where torchvision has made one of its own of it."""
    return tensor.as_subclass(torch.Tensor)  # type: ignore[no-any-return]


def filled_up(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Boxes of pictures as one tensor, shape (batch, most boxes, numbers of a box)."""
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=NOTHING)
