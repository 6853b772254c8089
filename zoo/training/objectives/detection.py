"""Boxes: a feature pyramid and the head of FCOS on the feature maps of any body (`zoo.training.images.fcos`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from zoo.answers import Answer, Rejected
from zoo.data.example import Example
from zoo.metrics import DetectionMetrics
from zoo.training.head import DETECTION, HeadConfig
from zoo.training.images.annotated import AnnotatedImage
from zoo.training.images.detecting import (
    JUDGED_THRESHOLD,
    NMS,
    THRESHOLD,
    BoxScale,
    DetectionPredictor,
    detections_of,
)
from zoo.training.images.fcos import LEVELS, FcosHead, Locations, Targets, detect, losses, match
from zoo.training.objective import Batch, Output
from zoo.training.objectives.maps import IMAGES, MapsObjective

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun
    from zoo.training.images.body import ImageBody

NOTHING = -1.0
"""Fills up the boxes of a picture to as many as another one of its batch has."""


class BoxFeatures(NamedTuple):
    """A picture of the store, and what is in it."""

    number: int
    boxes: torch.Tensor
    """XYXY in pixels of the picture as it is shown, shape (boxes, 4)."""
    labels: torch.Tensor
    """Index of the class of each, shape (boxes,)."""


class Detection(MapsObjective[BoxFeatures]):
    """The losses of FCOS; a picture weighs as much as it has locations that learn a box."""

    layout = (("head.pyramid.", "backbone.fpn."), ("head.branches.", "head."), ("body.", "backbone.body."))

    def __init__(self, run: TrainingRun, body: ImageBody) -> None:
        head_config = HeadConfig(problem_type=DETECTION, labels=run.labels)
        self._head = FcosHead(body.levels, len(run.labels))
        super().__init__(run, body, head_config, self._head)
        self._index = {label: index for index, label in enumerate(run.labels)}
        self._locations: Locations | None = None

    @classmethod
    def predictor(cls, run: PredictionRun, body: ImageBody) -> Predictor:
        """What finds the boxes of a picture."""
        return DetectionPredictor(run, body, cls.layout)

    @property
    def locations(self) -> Locations:
        """Those of the canvas, on the CPU; known once `begin` was called."""
        assert self._locations is not None
        return self._locations

    def features(self, examples: Sequence[Example]) -> list[BoxFeatures | Rejected]:
        """Decode."""
        return [
            number if isinstance(number, Rejected) else BoxFeatures(number, *self._target(example))
            for number, example in zip(self.decode(examples), examples, strict=True)
        ]

    def begin(self) -> None:
        """Freeze what no map comes from, and what comes before the maps used; find out where the outputs stand.

        torchvision's detectors leave the first layers of a pretrained body as they are, too: edges are edges, and those
        layers take the most time.
        """
        super().begin()
        if self.body.pretrained and len(self.body.levels) > LEVELS:
            self.freeze(self.body.maps(self.body.module, {IMAGES: self.empty})[-LEVELS - 1])
        with torch.no_grad():
            maps = self.body.maps(self.body.module, {IMAGES: self.empty})
            self._locations = self._head.locations(maps, self.canvas.size)

    def collate(self, features: Sequence[BoxFeatures], seeds: Sequence[int], *, training: bool) -> Batch:
        """Views on the canvas and what each location is to say; in an evaluation also the true boxes.

        Returns:
            `images` (batch, height, width, 3) uint8, `classes` (batch, locations), `boxes` (batch, locations, 4); and
            `truths` (batch, boxes, 5): class and XYXY in pixels of the picture, filled up with -1; `sizes` (batch, 2).
        """
        augment = self.augmentation
        views = [
            augment(self._annotated(one), seed) if training else self.canvas.place(self._annotated(one)).sanitised()
            for one, seed in zip(features, seeds, strict=True)
        ]
        targets = [match(self.locations, plain(view.boxes), plain(view.labels)) for view in views]
        batch = {
            IMAGES: torch.stack([view.pixels() for view in views]),
            "classes": torch.stack([one.classes for one in targets]),
            "boxes": torch.stack([one.boxes for one in targets]),
        }
        if not training:
            truths = [torch.cat([one.labels[:, None], one.boxes], 1) for one in features]
            sizes = [self.images.original_size(one.number) for one in features]
            batch |= {"truths": filled_up(truths), "sizes": torch.tensor(sizes)}
        return batch

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Of each picture, shape (batch,), over the locations that learn a box."""
        outputs: torch.Tensor = module(images=batch[IMAGES])
        outputs = outputs.float()
        locations = self.locations.to(outputs.device)
        values, weights = losses(outputs, Targets(batch["classes"], batch["boxes"]), locations)
        figures: dict[str, torch.Tensor] = {}
        if "truths" in batch:
            detections = detect(outputs.detach(), locations, self.canvas.size, threshold=JUDGED_THRESHOLD, nms=NMS)
            scales = [BoxScale.of(self.canvas, size, self.body.canvas_side) for size in batch["sizes"].tolist()]
            answers = [scale.back(boxes) for scale, boxes in zip(scales, detections, strict=True)]
            figures = {"truths": batch["truths"], "answers": filled_up(answers)}
            figures |= {"loss": values.detach(), "weight": weights}
        return Output(values, figures, weights)

    def shown_answers(self, batch: Batch, output: Output, count: int) -> list[Answer]:
        """Boxes as likely as those that a prediction gives."""
        pictures = zip(output.for_metrics["answers"][:count].tolist(), batch["sizes"].tolist(), strict=False)
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
            columns["truths"], columns["answers"], columns["loss"], columns["weight"], strict=True
        ):
            true_boxes = [box for box in truths if box[0] != NOTHING]
            detections = [(index, *corners, score) for *corners, score, index in answers if index != NOTHING]
            metrics.update(true_boxes, detections, loss, weight)

    def _target(self, example: Example) -> tuple[torch.Tensor, torch.Tensor]:
        """Boxes and indices of their classes."""
        boxes = [(box.left, box.top, box.right, box.bottom) for box in example.target]
        labels = [self._index[box.label] for box in example.target]
        return torch.tensor(boxes, dtype=torch.float32).view(-1, 4), torch.tensor(labels, dtype=torch.long)

    def _annotated(self, features: BoxFeatures) -> AnnotatedImage:
        """The picture as it is kept, its boxes in pixels of that."""
        image = self.images[features.number]
        width, height = self.images.original_size(features.number)
        scale = torch.tensor([image.width / width, image.height / height]).repeat(2)
        return AnnotatedImage.with_boxes(image, features.boxes * scale, features.labels)


def plain(tensor: Any) -> torch.Tensor:
    """The tensor itself, where torchvision has made one of its own of it."""
    return tensor.as_subclass(torch.Tensor)  # type: ignore[no-any-return]


def filled_up(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Boxes of pictures as one tensor, shape (batch, most boxes, numbers of a box)."""
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=NOTHING)
