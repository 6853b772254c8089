"""What a data set is likely to be for, where nobody says."""

from __future__ import annotations

from pathlib import Path

from zoo.data.columns import likely_kind
from zoo.data.table import Table
from zoo.task import Task, get_task


def likely_task(path: str | Path, input_column: str = "") -> Task:
    """Classification: of images for a folder, or a table with a usual column of images and none of texts.

    Args:
        path: the data.
        input_column: its column, where one is named.

    Raises:
        DatasetInvalid: it cannot be read.
        Unsupported: a package that reads this format is not installed.
    """
    if Path(path).is_dir():
        return get_task("image-classification")
    kind = likely_kind(Table(path), input_column)
    return get_task("image-classification" if kind == "image" else "text-classification")
