"""Any number of labels for an image."""

from __future__ import annotations

from zoo.answers import LabelSet
from zoo.kinds import IMAGE, LABELS
from zoo.tasks.options import LabelSetOptions
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="image-multi-label-classification",
    summary="give an image the labels that apply: several, one or none",
    input=IMAGE,
    target=LABELS,
    answer=LabelSet,
    judge="zoo.metrics:LabelSetMetrics",
    objective="zoo.training.objectives.label_sets:LabelSets",
    needs=POOLED,
    primary_metric="micro_f1",
    predict_options=LabelSetOptions,
    teachable=True,
    example={"file_name": "photos/1.jpg", "labels": "cat|sofa"},
    formats=TABLES,
)
