"""One of several labels for an image."""

from __future__ import annotations

from zoo.prediction import Classification
from zoo.tasks.task import IMAGE_COLUMNS, LABEL_COLUMNS, TABLES, Task

TASK = Task(
    name="image-classification",
    summary="choose one of several labels for an image",
    input="image",
    input_columns=IMAGE_COLUMNS,
    label_columns=LABEL_COLUMNS,
    answer=Classification,
    primary_metric="accuracy",
    example={"file_name": "photos/1.jpg", "label": "cat"},
    formats=("class folders", *TABLES),
)
