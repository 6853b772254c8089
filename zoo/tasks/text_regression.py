"""A number for a text."""

from __future__ import annotations

from zoo.answers import Quantity
from zoo.kinds import NUMBER, TEXT
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="text-regression",
    summary="say a number for a text, such as a rating",
    input=TEXT,
    target=NUMBER,
    answer=Quantity,
    judge="zoo.metrics:RegressionMetrics",
    objective="zoo.training.objectives.regression:Regression",
    needs=POOLED,
    primary_metric="rmse",
    larger_is_better=False,
    teachable=True,
    example={"text": "good, but it came late", "score": "3.5"},
    formats=TABLES,
)
