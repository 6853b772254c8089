"""Any number of labels for a text."""

from __future__ import annotations

from zoo.answers import LabelSet
from zoo.kinds import LABELS, TEXT
from zoo.tasks.options import LabelSetOptions
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="text-multi-label-classification",
    summary="give a text the labels that apply: several, one or none",
    input=TEXT,
    target=LABELS,
    answer=LabelSet,
    judge="zoo.metrics:LabelSetMetrics",
    objective="zoo.training.objectives.label_sets:LabelSets",
    needs=POOLED,
    primary_metric="micro_f1",
    predict_options=LabelSetOptions,
    teachable=True,
    example={"text": "it came late and broken", "labels": "late|broken"},
    formats=TABLES,
)
