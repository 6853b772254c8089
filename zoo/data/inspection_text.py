"""An inspection in words."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.data.report import Inspection, Part
from zoo.kinds.spelling import distinct_names
from zoo.plurals import counted, plural
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.text_table import render_table

_LABELS_SHOWN = 30
_BAR_WIDTH = 24


def report(inspection: Inspection, width: int | None = None) -> Iterator[str]:
    """All of an inspection, line by line.

    Args:
        inspection: to be reported.
        width: columns of the terminal, for the table of labels; None cuts nothing.
    """
    for part in (inspection.train, inspection.eval):
        if part:
            yield from _part(part, get_task(inspection.task))
    if inspection.eval:
        yield f"{inspection.eval.unit}s in both: {inspection.overlap.rows:,}"
        yield ""
    if inspection.labels:
        yield from _labels(inspection, width)
        yield ""
    yield from findings(inspection)


def findings(inspection: Inspection) -> Iterator[str]:
    """What a person should know, one line each."""
    for finding in inspection.findings:
        yield f"{'note' if finding.level == 'info' else finding.level}: {finding.message}"
    if not inspection.findings:
        yield "nothing stands in the way of using this data"


def _part(part: Part, task: Task) -> Iterator[str]:
    mapping = [f"{role} from {part.mapping[role]!r}" if role in part.mapping else f"no {role}" for role in task.roles]
    counts = (
        (part.empty_rows, "empty"),
        (part.unlabelled_rows, "without label"),
        (part.rejected_rows, "unusable in all"),
        (part.duplicates.rows, "repeating another"),
    )
    yield part.path
    if part.is_numbered:
        yield f"  columns  {', '.join(part.columns)} ({', '.join(mapping)})"
    irregular = "".join(f", {count:,} {what}" for count, what in counts if count)
    yield f"  {part.unit + 's':<8} {part.rows:,}{irregular}"
    for name, text in (*task.input.facts(part), *(task.target.facts(part) if task.target else ())):
        yield f"  {name:<8} {text}"
    yield ""


def _labels(inspection: Inspection, width: int | None) -> Iterator[str]:
    labels, with_eval = inspection.labels, inspection.eval is not None
    target = get_task(inspection.task).target
    units = plural((target.label_unit if target else "") or inspection.train.unit)
    most = max(label.rows for label in labels) or 1
    rows = []
    names = distinct_names(label.label for label in labels)
    for label in labels[:_LABELS_SHOWN]:
        bar = "█" * max(round(label.rows / most * _BAR_WIDTH), label.rows > 0)
        rows.append([names[label.label], f"{label.rows:,}", *([f"{label.eval_rows:,}"] if with_eval else []), bar])
    yield from render_table(rows, ("label", units, *((f"eval {units}",) if with_eval else ()), ""), width=width)
    if len(labels) > _LABELS_SHOWN:
        yield f"and {counted(len(labels) - _LABELS_SHOWN, 'label')} more (--json lists all)"
