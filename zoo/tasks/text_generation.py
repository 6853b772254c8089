"""What a model writes after a prompt, or as the next message of a conversation."""

from __future__ import annotations

from zoo.answers.generated_text import GeneratedText
from zoo.kinds import COMPLETION, PROMPT, TEXT
from zoo.kinds.kind import INPUT
from zoo.tasks.options import GenerationOptions
from zoo.tasks.task import CAUSAL, TABLES, Task

TASK = Task(
    name="text-generation",
    summary="go on with a text, or answer a message",
    input=PROMPT,
    target=COMPLETION,
    columns={INPUT: (*PROMPT.columns[:-1], "document", *TEXT.columns, *PROMPT.columns[-1:])},
    answer=GeneratedText,
    judge="zoo.metrics.perplexity:PerplexityMetrics",
    objective="zoo.training.objectives.causal_lm:CausalLanguageModelling",
    needs=CAUSAL,
    primary_metric="loss",
    larger_is_better=False,
    predict_options=GenerationOptions,
    example={"prompt": "Where is my parcel?", "completion": "It is on its way."},
    formats=(*TABLES, "plain text, one a line or with blank lines between"),
)
