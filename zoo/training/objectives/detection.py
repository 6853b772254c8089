"""Boxes: a feature pyramid and the head of FCOS on the feature maps of any body (`zoo.training.images.fcos`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from zoo.training.head import DETECTION, HeadConfig
from zoo.training.images.detecting import JUDGED_THRESHOLD, NMS, BoxScale, DetectionPredictor
from zoo.training.images.fcos import LEVELS, FcosHead, Locations, Targets, detect, losses, match
from zoo.training.objective import Batch, Output
from zoo.training.objectives.boxes import SIZES, TRUTHS, BoxesObjective, BoxFeatures, plain
from zoo.training.objectives.maps import IMAGES, MapsObjective

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun
    from zoo.training.images.body import ImageBody


class Detection(MapsObjective[BoxFeatures], BoxesObjective):
    """The losses of FCOS; a picture weighs as much as it has locations that learn a box."""

    layout = (("head.pyramid.", "backbone.fpn."), ("head.branches.", "head."), ("body.", "backbone.body."))

    def __init__(self, run: TrainingRun, body: ImageBody) -> None:
        head_config = HeadConfig(problem_type=DETECTION, labels=run.labels)
        self._head = FcosHead(body.levels, len(run.labels))
        super().__init__(run, body, head_config, self._head)
        self._locations: Locations | None = None
        self._placed: Locations | None = None
        """The same, on the device of the network: a copy that comes anew waits for it."""

    @classmethod
    def predictor(cls, run: PredictionRun, body: ImageBody) -> Predictor:
        """What finds the boxes of a picture."""
        return DetectionPredictor(run, body, cls.layout)

    @property
    def locations(self) -> Locations:
        """Those of the canvas, on the CPU; known once `begin` was called."""
        assert self._locations is not None
        return self._locations

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
            self._locations = self._placed = self._head.locations(maps, self.canvas.size)

    def collate(self, features: Sequence[BoxFeatures], seeds: Sequence[int], *, training: bool) -> Batch:
        """Views on the canvas and what each location is to say; in an evaluation also the true boxes.

        Returns:
            `images` (batch, height, width, 3) uint8, `classes` (batch, locations), `boxes` (batch, locations, 4); in an
            evaluation the entries of `judged`, too.
        """
        augment = self.augmentation
        views = [
            augment(self.annotated(one), seed) if training else self.canvas.place(self.annotated(one)).sanitised()
            for one, seed in zip(features, seeds, strict=True)
        ]
        targets = [match(self.locations, plain(view.boxes), plain(view.labels)) for view in views]
        batch = {
            IMAGES: torch.stack([view.pixels() for view in views]),
            "classes": torch.stack([one.classes for one in targets]),
            "boxes": torch.stack([one.boxes for one in targets]),
        }
        return batch if training else batch | self.judged(features)

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Of each picture, shape (batch,), over the locations that learn a box."""
        outputs: torch.Tensor = module(images=batch[IMAGES])
        outputs = outputs.float()
        self._placed = locations = (self._placed or self.locations).to(outputs.device)
        values, weights = losses(outputs, Targets(batch["classes"], batch["boxes"]), locations)
        figures: dict[str, torch.Tensor] = {}
        if TRUTHS in batch:
            detections = detect(outputs.detach(), locations, self.canvas.size, threshold=JUDGED_THRESHOLD, nms=NMS)
            scales = [BoxScale.of(self.canvas, size, self.body.canvas_side) for size in batch[SIZES].tolist()]
            answers = [scale.back(boxes) for scale, boxes in zip(scales, detections, strict=True)]
            figures = self.figures(batch, answers, values, weights)
        return Output(values, figures, weights)
