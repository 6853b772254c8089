"""One of several labels for a recording."""

from __future__ import annotations

from zoo.answers import Classification
from zoo.kinds import LABEL, RECORDING
from zoo.tasks.options import ClassWeightOptions, LabelOptions
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="audio-classification",
    summary="choose one of several labels for a recording",
    input=RECORDING,
    target=LABEL,
    answer=Classification,
    judge="zoo.metrics:ClassificationMetrics",
    objective="zoo.training.objectives.classification:Classification",
    needs=POOLED,
    primary_metric="accuracy",
    finetune_options=ClassWeightOptions,
    predict_options=LabelOptions,
    teachable=True,
    example={"audio": "recordings/1.wav", "label": "dog"},
    formats=("class folders", *TABLES),
)
