"""The part of a text that answers a question."""

from __future__ import annotations

from zoo.answers.extracted_answer import ExtractedAnswer
from zoo.kinds import TEXT, Record
from zoo.tasks.options import ExtractionOptions
from zoo.tasks.task import TABLES, Task

TASK = Task(
    name="question-answering",
    summary="find the answer to a question in a text",
    input=Record("question", question=TEXT, context=TEXT),
    columns={"context": ("context", "passage", "paragraph")},
    answer=ExtractedAnswer,
    primary_metric="exact_match",
    predict_options=ExtractionOptions,
    example={"question": "Where is my parcel?", "context": "Your parcel is at the depot since Monday."},
    formats=TABLES,
)
