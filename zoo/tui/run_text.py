"""Tables of a run's result, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from zoo.data.spelling import told_apart
from zoo.metrics import class_figures
from zoo.plurals import counted
from zoo.runs.mistakes import Mistake
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import MISTAKES_FILE
from zoo.sanitize import one_line

TONES = {
    "running": "$text-success",
    "starting": "$text-success",
    "finished": "$text-accent",
    "failed": "$text-error",
    "crashed": "$text-error",
    "cancelled": "$text-warning",
}
LABEL_WIDTH = 24
COLUMN_NAMES = (20, 12, 8, 6)
"""Lengths to which the names of columns are cut, the first that fits."""
SHOWN_MISTAKES = 200
"""Most lines of a list."""
INDENT = 8
INPUT_LINES = 3
"""Most lines of one input."""
CONFUSION_LEGEND = "rows: what it is; columns: what the model said"


def evaluation_table(s: RunSnapshot) -> str:
    """All evaluations, newest first."""
    lines = []
    for evaluation in reversed(s.evaluations):
        figures = "  ".join(f"{name} {value:.4f}" for name, value in evaluation.metrics.items())
        lines.append(f"step {evaluation.step:>7,}  {figures}{'  best' if evaluation.best else ''}")
    return "\n".join(lines)


def class_table(s: RunSnapshot) -> str:
    """Precision, recall, F1 and support of every class."""
    names = _names(s)
    width = min(LABEL_WIDTH, max([len("class"), *map(cell_len, names)]))
    lines = [f"{'class':<{width}}  precision  recall     f1   rows"]
    for name, figures in zip(names, class_figures(s.labels, s.confusion), strict=True):
        precision, recall, f1, rows = figures
        lines.append(f"{set_cell_size(name, width)}  {precision:>9}  {recall:>6}  {f1:>5}  {rows:>5}")
    return "\n".join(lines)


def confusion_table(s: RunSnapshot, width: int) -> str:
    """Rows are what it is, columns what the model said: by name where there is room, else by the row's number."""
    names = _names(s)
    largest = max((max(row) for row in s.confusion), default=0)
    cell = max(3, len(f"{largest:,}") + 1)
    label_width = min(LABEL_WIDTH, max((cell_len(name) for name in names), default=5))
    for length in COLUMN_NAMES:
        heads = [_shortened(name, length) for name in names]
        head_cell = max([cell, *(cell_len(head) + 2 for head in heads)])
        if len(set(heads)) == len(heads) and label_width + len(names) * head_cell <= width:
            return "\n".join([CONFUSION_LEGEND, *_matrix(s, names, heads, label_width, head_cell)])
    numbers = [f"{number}" for number in range(1, len(names) + 1)]
    numbered = [f"{number}  {name}" for number, name in zip(numbers, names, strict=True)]
    label_width = min(LABEL_WIDTH, max((cell_len(name) for name in numbered), default=5))
    if label_width + len(names) * cell > width:
        return _confusions(s)
    legend = f"{CONFUSION_LEGEND}, by the number of its row"
    return "\n".join([legend, *_matrix(s, numbered, numbers, label_width, cell)])


def mistake_list(s: RunSnapshot, mistakes: Sequence[Mistake], width: int) -> str:
    """Rows that were answered wrongly, the most confident answer first."""
    all_of_them = f"; all are in {MISTAKES_FILE} in the run's folder" if len(mistakes) == SHOWN_MISTAKES else ""
    lines = [f"{counted(len(mistakes), 'row')} answered wrongly, the most confident answers first{all_of_them}"]
    if not all_of_them and len(mistakes) != s.wrong_rows:
        lines.append(f"the training counted {s.wrong_rows:,}: an answer of even odds may fall either way in its result")
    lines.append("")
    names = told_apart(s.labels)
    for mistake in mistakes:
        label, said = (one_line(names.get(name, name)) for name in (mistake.label, mistake.prediction.label))
        lines.append(f"{mistake.prediction.probability:6.1%}  row {mistake.row:,}: {label}, taken for {said}")
        text = textwrap.wrap(one_line(mistake.input), max(20, width - INDENT), max_lines=INPUT_LINES, placeholder=" …")
        lines += [" " * INDENT + line for line in text]
    return "\n".join(lines)


def _names(s: RunSnapshot) -> list[str]:
    """The labels as they are shown."""
    return [one_line(name) for name in told_apart(s.labels).values()]


def _matrix(s: RunSnapshot, names: list[str], heads: list[str], label_width: int, cell: int) -> list[str]:
    lines = [" " * label_width + "".join(" " * (cell - cell_len(head)) + head for head in heads)]
    for name, row in zip(names, s.confusion, strict=True):
        counts = "".join(f"{f'{count:,}' if count else '·':>{cell}}" for count in row)
        lines.append(set_cell_size(name, label_width) + counts)
    return lines


def _shortened(name: str, length: int) -> str:
    return name if cell_len(name) <= length else set_cell_size(name, length - 1).rstrip() + "…"


def _confusions(s: RunSnapshot) -> str:
    """Where the matrix is wider than the terminal: the most frequent mistakes."""
    found = [
        (times, true, said)
        for true, row in enumerate(s.confusion)
        for said, times in enumerate(row)
        if true != said and times
    ]
    found.sort(reverse=True)
    names = _names(s)
    lines = [f"{times:>6,}  {names[true]} taken for {names[said]}" for times, true, said in found[:SHOWN_MISTAKES]]
    return "\n".join(["most frequent mistakes", *lines]) if lines else "no mistakes"
