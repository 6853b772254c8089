"""One of several labels for an image."""

from __future__ import annotations

from zoo.answers import Classification
from zoo.kinds import IMAGE, LABEL
from zoo.tasks.options import ClassWeightOptions, LabelOptions
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="image-classification",
    summary="choose one of several labels for an image",
    input=IMAGE,
    target=LABEL,
    answer=Classification,
    judge="zoo.metrics:ClassificationMetrics",
    objective="zoo.training.objectives.classification:Classification",
    needs=POOLED,
    primary_metric="accuracy",
    finetune_options=ClassWeightOptions,
    predict_options=LabelOptions,
    teachable=True,
    example={"file_name": "photos/1.jpg", "label": "cat"},
    formats=("class folders", *TABLES),
)
