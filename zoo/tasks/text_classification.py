"""One of several labels for a text."""

from __future__ import annotations

from zoo.answers import Classification
from zoo.kinds import LABEL, TEXT
from zoo.tasks.options import ClassWeightOptions, LabelOptions
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="text-classification",
    summary="choose one of several labels for a text",
    input=TEXT,
    target=LABEL,
    answer=Classification,
    judge="zoo.metrics:ClassificationMetrics",
    objective="zoo.training.objectives.classification:Classification",
    needs=POOLED,
    primary_metric="accuracy",
    finetune_options=ClassWeightOptions,
    predict_options=LabelOptions,
    teachable=True,
    example={"text": "where is my parcel?", "label": "delivery"},
    formats=TABLES,
)
