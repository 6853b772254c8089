"""What a model writes for a text: its summary, its translation."""

from __future__ import annotations

from zoo.answers.generated_text import GeneratedText
from zoo.kinds import TEXT
from zoo.kinds.kind import INPUT
from zoo.tasks.options import Text2TextOptions
from zoo.tasks.task import TABLES, Task

TASK = Task(
    name="text2text-generation",
    summary="summarise or translate a text",
    input=TEXT,
    columns={INPUT: (*TEXT.columns, "article", "source", "dialogue")},
    answer=GeneratedText,
    primary_metric="loss",
    larger_is_better=False,
    predict_options=Text2TextOptions,
    example={"text": "Where is my parcel?"},
    formats=(*TABLES, "plain text, one a line"),
)
