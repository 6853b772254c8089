"""Which parts of a text are names, and of what."""

from __future__ import annotations

from zoo.answers import TaggedSpans
from zoo.kinds import SPANS, TEXT
from zoo.tasks.options import TaggingOptions
from zoo.tasks.task import TABLES, TOKENS, Task

TASK = Task(
    name="token-classification",
    summary="find the names in a text, each with what it is the name of",
    input=TEXT,
    target=SPANS,
    answer=TaggedSpans,
    judge="zoo.metrics:SpanMetrics",
    objective="zoo.training.objectives.tagging:Tagging",
    needs=TOKENS,
    primary_metric="span_f1",
    predict_options=TaggingOptions,
    judged_options={"raw_spans": True},
    teachable=True,
    taught_options={"probabilities": True},
    example={
        "text": "Ada Lovelace was born in London.",
        "spans": '[{"start": 0, "end": 12, "label": "person"}, {"start": 25, "end": 31, "label": "location"}]',
    },
    formats=("CoNLL columns", "Label Studio JSON", "spaCy JSON", *TABLES),
)
