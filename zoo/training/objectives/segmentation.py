"""Masks: the decoder of a U-Net on the feature maps of any body (`zoo.training.images.unet`)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn

from zoo.answers import Answer, ProbabilityTable, Rejected, SegmentedImage
from zoo.data.example import Example
from zoo.errors import Unsupported
from zoo.kinds.mask_decoding import read_mask
from zoo.metrics import SegmentationMetrics
from zoo.training.head import SEGMENTATION, HeadConfig
from zoo.training.images.annotated import IGNORED, OUTSIDE, AnnotatedImage, reduced_size
from zoo.training.images.mask_losses import counted_pixels, mask_losses
from zoo.training.images.segmenting import (
    SegmentationPredictor,
    class_indexes,
    picture_and_maps,
    placed_size,
)
from zoo.training.objective import LESSONS, Batch, Output
from zoo.training.objectives.maps import IMAGES, MapsObjective
from zoo.training.objectives.pooled import SMALLEST, divergences

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun
    from zoo.training.images.body import ImageBody

MASKS = "masks"
"""Entry of a batch: the index of the class of each pixel, uint8 of shape (batch, height, width), 255 for none."""
PLACES = "places"
"""Entry of lessons: where each pixel lies on the picture, see `AnnotatedImage.places`."""

TRUTHS, SIZES = "truths", "sizes"
"""Entries of a batch that is judged: masks as large as their pictures, and the pictures' widths and heights."""


class MaskFeatures(NamedTuple):
    """A picture of the store, and its mask."""

    number: int
    mask: bytes
    """Indexes of classes, compressed."""
    size: tuple[int, int]
    """Width and height of picture and mask."""


class Segmentation(MapsObjective[MaskFeatures]):
    """The loss that `--loss` names, over the pixels that have a class; a picture weighs as much as it has of them."""

    micro_batch_size = 8

    def __init__(self, run: TrainingRun, body: ImageBody) -> None:
        head_config = HeadConfig(problem_type=SEGMENTATION, labels=run.labels)
        self.layout = body.mask_layout
        super().__init__(run, body, head_config, body.mask_head(len(run.labels)), picture_and_maps(body))

    @classmethod
    def predictor(cls, run: PredictionRun, body: ImageBody) -> Predictor:
        """What gives each pixel a class."""
        return SegmentationPredictor(run, body)

    def features(self, examples: Sequence[Example]) -> list[MaskFeatures | Rejected]:
        """Decode pictures and masks."""
        numbers = self.decode(examples)
        return [
            number if isinstance(number, Rejected) else self._with_mask(number, example)
            for number, example in zip(numbers, examples, strict=True)
        ]

    def _with_mask(self, number: int, example: Example) -> MaskFeatures | Rejected:
        size = self.images.original_size(number)
        mask = read_mask(example.target, self.head_config.labels, size)
        if isinstance(mask, Rejected):
            return mask
        if (mask == IGNORED).all():
            return Rejected("no pixel of its mask has a class")
        return MaskFeatures(number, zlib.compress(mask.tobytes(), level=1), size)

    def collate(self, features: Sequence[MaskFeatures], seeds: Sequence[int], *, training: bool) -> Batch:
        """Views on the canvas; in an evaluation also the masks as large as the pictures, which are judged.

        Returns:
            `images` (batch, height, width, 3) and `masks` (batch, height, width), uint8; and `truths`, filled up to the
            largest, with `sizes` (batch, 2): width and height of each picture.
        """
        augment = self.augmentation
        masks = [np.frombuffer(zlib.decompress(one.mask), np.uint8).reshape(one.size[::-1]) for one in features]
        pictures = [self._annotated(one.number, mask) for one, mask in zip(features, masks, strict=True)]
        views = [
            augment(picture, seed) if training else self.canvas.place(picture)
            for picture, seed in zip(pictures, seeds, strict=True)
        ]
        seen = [view.mask.as_subclass(torch.Tensor) for view in views if view.mask is not None]
        batch = {IMAGES: torch.stack([view.pixels() for view in views]), MASKS: torch.stack(seen)}
        if not training:
            truths = filled_up([torch.from_numpy(mask.copy()) for mask in masks])
            batch |= {TRUTHS: truths, SIZES: torch.tensor([one.size for one in features])}
        return batch

    def _annotated(self, number: int, mask: np.ndarray[Any, Any]) -> AnnotatedImage:
        """The picture as it is kept, with its mask."""
        image = self.images[number]
        scaled = Image.fromarray(mask).resize(image.size, Image.Resampling.NEAREST)
        return AnnotatedImage.with_mask(image, np.array(scaled))

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Of each picture, shape (batch,), over its pixels that have a class."""
        scores: torch.Tensor = module(images=batch[IMAGES])
        scores, truths = scores.float(), batch[MASKS]
        values, weights = mask_losses(scores, truths, self.run.options.loss), counted_pixels(truths)
        figures: dict[str, torch.Tensor] = {}
        if TRUTHS in batch:
            figures = {"truths": batch[TRUTHS], "answers": self._answers(scores.detach(), batch[SIZES])}
            figures |= {"loss": values.detach(), "weight": weights}
        return Output(values, figures, weights, logits=scores)

    def lesson(self, answer: Answer, features: MaskFeatures) -> ProbabilityTable:
        """The probabilities of the classes on a grid.

        Raises:
            Unsupported: the teacher says none.
        """
        table = answer.probabilities if isinstance(answer, SegmentedImage) else None
        if table is None:
            raise Unsupported(
                "the teacher does not say how probable each class is",
                "choose one of a plugin that takes --probabilities",
            )
        return table

    def collate_lessons(
        self, lessons: Sequence[ProbabilityTable], features: Sequence[MaskFeatures], seeds: Sequence[int], batch: Batch
    ) -> Batch:
        """The grids, and where the pixels of the views lie on them: the same views as those that are learnt from.

        Returns:
            `lessons` (batch, classes, rows, columns), logarithms of probabilities in half precision, and `places`
            (batch, height, width, 2).
        """
        view, side = replace(self.augmentation, jitter=0.0), self.body.canvas_side
        places = [
            view(AnnotatedImage.with_places(reduced_size(one.size, side)), seed).places
            for one, seed in zip(features, seeds, strict=True)
        ]
        return {
            LESSONS: torch.stack([self._grid(lesson) for lesson in lessons]),
            PLACES: torch.stack([one.as_subclass(torch.Tensor) for one in places if one is not None]).movedim(1, -1),
        }

    def _grid(self, table: ProbabilityTable) -> torch.Tensor:
        """Logarithms of the probabilities of this model's classes, shape (classes, rows, columns)."""
        said, index = torch.from_numpy(table.array()), {label: i for i, label in enumerate(table.labels)}
        of_classes = said.new_zeros(len(self.head_config.labels), *table.shape)
        for grid, label in zip(of_classes, self.head_config.labels, strict=True):
            if label in index:
                grid.copy_(said[..., index[label]])
        return of_classes.clamp(min=SMALLEST).log().half()

    def taught_losses(self, logits: torch.Tensor, lessons: Batch, temperature: float) -> torch.Tensor:
        """Mean Kullback-Leibler divergence over the pixels of each picture, also those without a class, (batch,)."""
        places = lessons[PLACES]
        grid = nn.functional.grid_sample
        taught = grid(lessons[LESSONS].float(), places, "bilinear", "border", align_corners=False)
        known = places[..., 0] > OUTSIDE
        values = divergences(logits.movedim(1, -1), taught.movedim(1, -1), temperature)
        return (values * known).sum((1, 2)) / known.sum((1, 2)).clamp(min=1)

    def _answers(self, scores: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        """The class of each pixel of pictures of some sizes, filled up to the largest."""
        side, answers = self.body.canvas_side, []
        for of_picture, (width, height) in zip(scores, sizes.tolist(), strict=True):
            placed = placed_size(self.canvas, (width, height), side)
            answers.append(class_indexes(of_picture, placed, (width, height)))
        return filled_up(answers)

    def shown_answers(self, batch: Batch, output: Output, count: int) -> list[Answer]:
        """Masks as a prediction gives them."""
        answers = output.for_metrics["answers"][:count].cpu().numpy()
        return [
            SegmentedImage.of_indexes(mask[:height, :width], self.head_config.labels)
            for mask, (width, height) in zip(answers, batch[SIZES].tolist(), strict=False)
        ]

    def metrics(self) -> SegmentationMetrics:
        """Intersection over union and mean loss, of pictures in their own size."""
        return SegmentationMetrics(self.head_config.labels)

    def update_metrics(self, metrics: SegmentationMetrics, output: Output, count: int) -> None:
        """Count pixels."""
        truths, answers, losses, weights = (values[:count].cpu() for values in output.for_metrics.values())
        for truth, answer, loss, weight in zip(truths, answers, losses.tolist(), weights.tolist(), strict=True):
            metrics.update(truth.numpy(), answer.numpy(), loss, weight)


def filled_up(masks: Sequence[torch.Tensor]) -> torch.Tensor:
    """Masks of several sizes as one tensor, uint8 of shape (batch, most rows, most columns), 255 where one ends."""
    height, width = (max(mask.shape[axis] for mask in masks) for axis in (0, 1))
    batch = masks[0].new_full((len(masks), height, width), IGNORED)
    for filled, mask in zip(batch, masks, strict=True):
        filled[: mask.shape[0], : mask.shape[1]] = mask
    return batch
