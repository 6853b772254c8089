"""A vector that stands for an image."""

from __future__ import annotations

from zoo.answers import Embedding
from zoo.kinds import IMAGE
from zoo.tasks.options import ContrastiveOptions
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="image-feature-extraction",
    summary="give a vector that stands for an image",
    input=IMAGE,
    answer=Embedding,
    objective="zoo.training.objectives.contrastive:Contrastive",
    needs=POOLED,
    primary_metric="loss",
    larger_is_better=False,
    pretrain_options=ContrastiveOptions,
    example={"file_name": "photos/1.jpg"},
    formats=("a folder of images", *TABLES),
)
