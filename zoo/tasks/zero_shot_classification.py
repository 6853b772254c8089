"""One of the labels that a person names for a text, which the model was not trained for."""

from __future__ import annotations

from zoo.answers import Classification
from zoo.kinds import TEXT
from zoo.tasks.options import CandidateOptions
from zoo.tasks.task import TABLES, Task

TASK = Task(
    name="zero-shot-classification",
    summary="choose one of the labels that you name for a text",
    input=TEXT,
    answer=Classification,
    primary_metric="accuracy",
    predict_options=CandidateOptions,
    example={"text": "where is my parcel?"},
    formats=TABLES,
)
