"""What a task is: what goes in, which columns a data set needs, what comes out and how it is judged."""

from __future__ import annotations

from typing import Literal

import msgspec

TABLES = ("CSV", "TSV", "JSON lines", "Parquet")
InputKind = Literal["text", "image"]
TEXT_COLUMNS = ("text", "sentence", "review", "content", "message", "document", "body", "utterance")
IMAGE_COLUMNS = ("file_name", "image", "path", "file", "filename", "image_path", "file_path", "filepath", "img")
LABEL_COLUMNS = ("label", "target", "class", "intent", "category", "sentiment", "labels", "y")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task and everything in zoo that depends on it."""

    name: str
    """That of the Hugging Face pipeline, where there is one."""
    summary: str
    """What is asked of a model, in a few words."""
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
    """What a model answers."""
    primary_metric: str
    """What best checkpoints and early stopping look at."""
    larger_is_better: bool = True
    """Direction of the primary metric."""

    example: dict[str, str]
    """A row of its data, by the usual names of the columns."""
    formats: tuple[str, ...]
    """Of its data, in a person's words."""

    @property
    def labelled(self) -> bool:
        """Whether training data must carry a label."""
        return bool(self.label_columns)
