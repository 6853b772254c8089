"""One of several labels for a text."""

from __future__ import annotations

from zoo.prediction import Classification
from zoo.tasks.task import LABEL_COLUMNS, TABLES, TEXT_COLUMNS, Task

TASK = Task(
    name="text-classification",
    summary="choose one of several labels for a text",
    input="text",
    input_columns=TEXT_COLUMNS,
    label_columns=LABEL_COLUMNS,
    answer=Classification,
    primary_metric="accuracy",
    example={"text": "where is my parcel?", "label": "delivery"},
    formats=TABLES,
)
