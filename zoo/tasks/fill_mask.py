"""What stands where a text is masked."""

from __future__ import annotations

from zoo.answers import FilledMask
from zoo.kinds import TEXT
from zoo.tasks.options import FillingOptions, MaskingOptions
from zoo.tasks.task import TABLES, TOKENS, Task

TASK = Task(
    name="fill-mask",
    summary="say what stands where a text is masked",
    input=TEXT,
    answer=FilledMask,
    objective="zoo.training.objectives.masked_lm:MaskedLanguageModelling",
    needs=TOKENS,
    primary_metric="loss",
    larger_is_better=False,
    pretrain_options=MaskingOptions,
    predict_options=FillingOptions,
    mark="[MASK] ",
    example={"text": "my parcel never came"},
    formats=(*TABLES, "plain text, one a line"),
)
