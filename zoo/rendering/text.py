"""Blocks in characters: what the command line, the terminal UI and model cards share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo.blocks import Cell, Matrix, Table
from zoo.kinds.spelling import distinct_names
from zoo.sanitize import one_line
from zoo.text_table import cell_width, padded, shortened

NO_FIGURE = "-"
"""Stands where there is nothing to count."""
LABEL_WIDTH = 24
"""Columns that the labels beside a matrix may take."""
HEADER_WIDTHS = (20, 12, 8, 6)
"""Lengths to which the labels above a matrix are cut, the first that fits."""
SHOWN_CONFUSIONS = 200
LEGEND = "rows: what it is; columns: what the model said"


def displayed_labels(labels: Iterable[str]) -> list[str]:
    """Labels on one line each; what looks the same is told apart."""
    labels = list(labels)
    names = distinct_names(labels)
    return [one_line(names[label]) for label in labels]


def cell_texts(table: Table) -> list[tuple[str, ...]]:
    """The rows of a table as text: figures with three decimals, and `-` where there is none."""
    # What nobody sees is not removed from a name before names that look the same are told apart.
    names = displayed_labels(row[0] if isinstance(row[0], str) else _text(row[0]) for row in table.rows)
    return [(name, *map(_text, row[1:])) for name, row in zip(names, table.rows, strict=True)]


def _text(cell: Cell) -> str:
    if cell is None:
        return NO_FIGURE
    if isinstance(cell, str):
        return one_line(cell)
    return f"{cell:.3f}" if isinstance(cell, float) else f"{cell:,}"


def matrix_lines(matrix: Matrix, width: int) -> list[str]:
    """A matrix, its columns by name where there is room, else by the number of the row; else the largest confusions.

    Args:
        matrix: of any number of labels.
        width: columns of the terminal there are.
    """
    names = displayed_labels(matrix.labels)
    largest = max((max(row) for row in matrix.counts), default=0)
    count_width = max(3, len(f"{largest:,}") + 1)
    label_width = min(LABEL_WIDTH, max(map(cell_width, names), default=5))
    for length in HEADER_WIDTHS:
        headers = [shortened(name, length) for name in names]
        column_width = max([count_width, *(cell_width(header) + 2 for header in headers)])
        if len(set(headers)) == len(headers) and label_width + len(names) * column_width <= width:
            return [LEGEND, *_count_lines(matrix, names, headers, label_width, column_width)]
    numbers = [f"{number}" for number in range(1, len(names) + 1)]
    numbered = [f"{number}  {name}" for number, name in zip(numbers, names, strict=True)]
    label_width = min(LABEL_WIDTH, max(map(cell_width, numbered), default=5))
    if label_width + len(names) * count_width > width:
        return confusion_lines(matrix)
    legend = f"{LEGEND}, by the number of its row"
    return [legend, *_count_lines(matrix, numbered, numbers, label_width, count_width)]


def _count_lines(
    matrix: Matrix, names: Sequence[str], headers: Sequence[str], label_width: int, column_width: int
) -> list[str]:
    lines = [" " * label_width + "".join(padded(header, column_width, right=True) for header in headers)]
    for name, row in zip(names, matrix.counts, strict=True):
        counts = "".join(f"{f'{count:,}' if count else '·':>{column_width}}" for count in row)
        lines.append(padded(shortened(name, label_width), label_width) + counts)
    return lines


def confusion_lines(matrix: Matrix, limit: int = SHOWN_CONFUSIONS) -> list[str]:
    """What was most often taken for what, for where no matrix fits."""
    names = displayed_labels(matrix.labels)
    confusions = [
        (count, true, predicted)
        for true, row in enumerate(matrix.counts)
        for predicted, count in enumerate(row)
        if true != predicted and count
    ]
    confusions.sort(reverse=True)
    lines = [f"{count:>6,}  {names[true]} taken for {names[answer]}" for count, true, answer in confusions[:limit]]
    return ["most frequent mistakes", *lines] if lines else ["no mistakes"]


def vector_range(numbers: Sequence[float]) -> str:
    """How many numbers, and between which two they are."""
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    return f"{len(numbers):,} numbers from {low:.3f} to {high:.3f}"
