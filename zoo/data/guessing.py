"""What a data set is likely to be for, and which of its columns hold what, where nobody says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.data.columns import likely_kind
from zoo.data.example import Columns
from zoo.data.rows import Row
from zoo.data.table import Table
from zoo.kinds import IMAGE
from zoo.kinds.image_files import EXTENSIONS
from zoo.kinds.kind import is_empty
from zoo.tasks import get_task
from zoo.tasks.task import Task

SAMPLED_ROWS = 200
"""First rows of a table that a guess is made from."""
LONGEST_LABEL = 60
"""Characters."""
UNKNOWN = Columns("")
_IMAGES = tuple(EXTENSIONS)


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
    return get_task("image-classification" if kind is IMAGE else "text-classification")


def likely_columns(table: Table, task: Task, known: Columns = UNKNOWN) -> Columns:
    """The columns whose first rows look most like the inputs and labels of a task; empty where none does.

    Texts are the longest cells, images the names of image files; labels are short and occur again.

    Args:
        table: the data.
        task: what it is for.
        known: columns that are settled; only the others are looked for.

    Raises:
        DatasetInvalid: the table cannot be read.
    """
    rows = [row for row in islice(table.rows(table.columns), SAMPLED_ROWS) if isinstance(row, Row)]
    cells = {name: [row.values[name] for row in rows if not is_empty(row.values[name])] for name in table.columns}
    likeness = _likeness_to_image if task.input is IMAGE else _likeness_to_text
    others = tuple(name for name in table.columns if name != known.label)
    input_column = known.input or _best(others, [likeness(cells[name]) for name in others])
    others = tuple(name for name in table.columns if name != input_column)
    if not task.labelled or known.label:
        return Columns(input_column, known.label)
    return Columns(input_column, _best(others, [_likeness_to_label(cells[name]) for name in others]))


def _best(columns: Sequence[str], likeness: Sequence[float]) -> str:
    """The column with the greatest likeness, the last of several; empty where none has any."""
    best = max(range(len(columns)), key=lambda i: (likeness[i], i), default=None)
    return columns[best] if best is not None and likeness[best] > 0 else ""


def _likeness_to_text(cells: list[Any]) -> float:
    """Mean number of words, where there are several."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    words = sum(len(text.split()) for text in texts) / max(1, len(cells))
    return words if words > 1 else 0.0


def _likeness_to_image(cells: list[Any]) -> float:
    """Share of the names of image files."""
    names = [cell for cell in cells if isinstance(cell, str) and cell.lower().endswith(_IMAGES)]
    return len(names) / max(1, len(cells))


def _likeness_to_label(cells: list[Any]) -> float:
    """1 for short texts that occur again, half of that for numbers and dates, 0 for anything else."""
    texts = [str(cell).strip() for cell in cells if isinstance(cell, str | int | float)]
    different = set(texts)
    if len(texts) < len(cells) or not 2 <= len(different) <= len(texts) / 2:
        return 0.0
    if max(map(len, different)) > LONGEST_LABEL:
        return 0.0
    return 0.5 if all(text.lstrip("-+.")[:1].isdigit() for text in different) else 1.0
