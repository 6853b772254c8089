"""One of the labels that a person names for an image, which the model was not trained for."""

from __future__ import annotations

from zoo.answers import Classification
from zoo.kinds import IMAGE
from zoo.tasks.options import CandidateOptions
from zoo.tasks.task import TABLES, Task

TASK = Task(
    name="zero-shot-image-classification",
    summary="choose one of the labels that you name for an image",
    input=IMAGE,
    answer=Classification,
    primary_metric="accuracy",
    predict_options=CandidateOptions,
    example={"file_name": "photos/1.jpg"},
    formats=("a folder of images", *TABLES),
)
