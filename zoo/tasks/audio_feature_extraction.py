"""A vector that stands for a recording."""

from __future__ import annotations

from zoo.answers import Embedding
from zoo.kinds import RECORDING
from zoo.tasks.task import POOLED, TABLES, Task

TASK = Task(
    name="audio-feature-extraction",
    summary="give a vector that stands for a recording",
    input=RECORDING,
    answer=Embedding,
    needs=POOLED,
    primary_metric="loss",
    larger_is_better=False,
    example={"audio": "recordings/1.wav"},
    formats=("a folder of recordings", *TABLES),
)
