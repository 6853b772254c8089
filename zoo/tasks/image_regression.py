"""A number for an image."""

from __future__ import annotations

from zoo.answers import Quantity
from zoo.kinds import IMAGE, NUMBER
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="image-regression",
    summary="say a number for an image, such as an age",
    input=IMAGE,
    target=NUMBER,
    answer=Quantity,
    judge="zoo.metrics:RegressionMetrics",
    objective="zoo.training.objectives.regression:Regression",
    needs=POOLED,
    primary_metric="rmse",
    larger_is_better=False,
    teachable=True,
    example={"file_name": "photos/1.jpg", "score": "3.5"},
    formats=TABLES,
)
