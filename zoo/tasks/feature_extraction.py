"""A vector that stands for a text."""

from __future__ import annotations

from zoo.answers import Embedding
from zoo.kinds import TEXT
from zoo.tasks.options import MaskingOptions
from zoo.tasks.task import TABLES, TOKENS, Task

TASK = Task(
    name="feature-extraction",
    summary="give a vector that stands for a text",
    input=TEXT,
    answer=Embedding,
    objective="zoo.training.objectives.masked_lm:MaskedLanguageModelling",
    needs=TOKENS,
    primary_metric="loss",
    larger_is_better=False,
    pretrain_options=MaskingOptions,
    example={"text": "my parcel never came"},
    formats=(*TABLES, "plain text, one a line"),
)
