"""Tables of a run's result, as text."""

from __future__ import annotations

from zoo.metrics import ClassificationMetrics
from zoo.runs.snapshot import RunSnapshot
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
SHOWN_MISTAKES = 200


def evaluation_table(s: RunSnapshot) -> str:
    """All evaluations, newest first."""
    lines = []
    for evaluation in reversed(s.evaluations):
        figures = "  ".join(f"{name} {value:.4f}" for name, value in evaluation.metrics.items())
        lines.append(f"step {evaluation.step:>7,}  {figures}{'  best' if evaluation.best else ''}")
    return "\n".join(lines)


def class_table(s: RunSnapshot) -> str:
    """Precision, recall, F1 and support of every class."""
    metrics = ClassificationMetrics.from_confusion(s.labels, s.confusion)
    width = min(LABEL_WIDTH, max((len(one_line(label)) for label in s.labels), default=5))
    lines = [f"{'class':<{width}}  precision  recall     f1   rows"]
    for label, c in metrics.per_class().items():
        name = f"{one_line(label)[:width]:<{width}}"
        lines.append(f"{name}      {c['precision']:.3f}   {c['recall']:.3f}  {c['f1']:.3f}  {c['support']:>5.0f}")
    return "\n".join(lines)


def confusion_table(s: RunSnapshot, width: int) -> str:
    """Rows are what it is, columns what the model said; columns are numbered as the rows are."""
    largest = max((max(row) for row in s.confusion), default=0)
    cell = max(3, len(f"{largest:,}") + 1)
    names = [f"{number}  {one_line(label)}" for number, label in enumerate(s.labels, start=1)]
    label_width = min(LABEL_WIDTH, max((len(name) for name in names), default=5))
    if label_width + len(s.labels) * cell > width:
        return _mistakes(s)
    head = " " * label_width + "".join(f"{number:>{cell}}" for number in range(1, len(s.labels) + 1))
    rows = [
        f"{name[:label_width]:<{label_width}}" + "".join(f"{found or '·':>{cell}}" for found in row)
        for name, row in zip(names, s.confusion, strict=True)
    ]
    return "\n".join(["rows: what it is; columns: what the model said", head, *rows])


def _mistakes(s: RunSnapshot) -> str:
    """Where the matrix is wider than the terminal: the most frequent mistakes."""
    found = [
        (times, true, said)
        for true, row in enumerate(s.confusion)
        for said, times in enumerate(row)
        if true != said and times
    ]
    found.sort(reverse=True)
    lines = [
        f"{times:>6,}  {one_line(s.labels[true])} taken for {one_line(s.labels[said])}"
        for times, true, said in found[:SHOWN_MISTAKES]
    ]
    return "\n".join(["most frequent mistakes", *lines]) if lines else "no mistakes"
