"""The tasks: what goes in, which columns a data set needs, what comes out and how it is judged.

Names are those of Hugging Face pipelines.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from zoo.errors import Unsupported
from zoo.prediction import Classification, Embedding, FilledMask
from zoo.suggestions import did_you_mean

InputKind = Literal["text", "image"]
TEXT_COLUMNS = ("text", "sentence", "review", "content", "message", "document", "body", "utterance")
IMAGE_COLUMNS = ("file_name", "image", "path", "file", "filename", "image_path", "file_path", "filepath", "img")
LABEL_COLUMNS = ("label", "target", "class", "intent", "category", "sentiment", "labels", "y")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task and everything in zoo that depends on it."""

    name: str
    """Hugging Face pipeline name."""
    input: InputKind
    """What one example is."""
    input_columns: tuple[str, ...]
    """Usual names of the column that holds the input, the preferred one first."""
    label_columns: tuple[str, ...] = ()
    """Usual names of the column that holds the label; empty for a task that needs none."""
    trained_input_column: str = ""
    """The column that the model at hand was trained on; it goes before the usual names."""
    trained_label_column: str = ""
    answer: type[msgspec.Struct]
    """What a model answers: one of `zoo.prediction`."""
    primary_metric: str
    """What best checkpoints and early stopping look at."""
    larger_is_better: bool = True
    """Direction of the primary metric."""

    @property
    def labelled(self) -> bool:
        """Whether training data must carry a label."""
        return bool(self.label_columns)


TASKS = (
    Task(
        name="text-classification",
        input="text",
        input_columns=TEXT_COLUMNS,
        label_columns=LABEL_COLUMNS,
        answer=Classification,
        primary_metric="accuracy",
    ),
    Task(
        name="fill-mask",
        input="text",
        input_columns=TEXT_COLUMNS,
        answer=FilledMask,
        primary_metric="loss",
        larger_is_better=False,
    ),
    Task(
        name="feature-extraction",
        input="text",
        input_columns=TEXT_COLUMNS,
        answer=Embedding,
        primary_metric="loss",
        larger_is_better=False,
    ),
    Task(
        name="image-classification",
        input="image",
        input_columns=IMAGE_COLUMNS,
        label_columns=LABEL_COLUMNS,
        answer=Classification,
        primary_metric="accuracy",
    ),
    Task(
        name="image-feature-extraction",
        input="image",
        input_columns=IMAGE_COLUMNS,
        answer=Embedding,
        primary_metric="loss",
        larger_is_better=False,
    ),
)

_BY_NAME = {task.name: task for task in TASKS}


def get_task(name: str) -> Task:
    """Look a task up.

    Raises:
        Unsupported: naming the tasks there are.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        hint = did_you_mean(name, _BY_NAME, f"tasks: {', '.join(_BY_NAME)}", limit=2)
        raise Unsupported(f"there is no task {name!r}", hint) from None
