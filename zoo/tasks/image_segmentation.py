"""Which class each pixel of an image has."""

from __future__ import annotations

from zoo.answers import SegmentedImage
from zoo.kinds import IMAGE, MASK
from zoo.tasks.options import ProbabilityOptions, SegmentationOptions
from zoo.tasks.task import LEVELS, TABLES, Task

TASK = Task(
    name="image-segmentation",
    summary="give each pixel of an image a class",
    input=IMAGE,
    target=MASK,
    answer=SegmentedImage,
    judge="zoo.metrics:SegmentationMetrics",
    objective="zoo.training.objectives.segmentation:Segmentation",
    needs=LEVELS,
    primary_metric="miou",
    finetune_options=SegmentationOptions,
    predict_options=ProbabilityOptions,
    teachable=True,
    taught_options={"probabilities": True},
    example={"file_name": "photos/1.jpg", "mask": "masks/1.png"},
    formats=TABLES,
)
