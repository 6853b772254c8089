"""An inspection in words."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.data.report import ImageFacts, Inspection, Lengths, Part, Size
from zoo.data.spelling import told_apart
from zoo.plurals import counted
from zoo.text_table import render_table

_LABELS_SHOWN = 30
_BAR_WIDTH = 24


def report(found: Inspection, width: int | None = None) -> Iterator[str]:
    """Everything an inspection found, line by line.

    Args:
        found: the inspection.
        width: columns of the terminal, for the table of labels; None cuts nothing.
    """
    for part in (found.train, found.eval):
        if part:
            yield from _part(part)
    if found.eval:
        yield f"{found.eval.unit}s in both: {found.overlap.rows:,}"
        yield ""
    if found.labels:
        yield from _labels(found, width)
        yield ""
    yield from findings(found)


def findings(found: Inspection) -> Iterator[str]:
    """What a person should know, one line each."""
    for finding in found.findings:
        yield f"{'note' if finding.level == 'info' else finding.level}: {finding.message}"
    if not found.findings:
        yield "nothing stands in the way of using this data"


def _part(part: Part) -> Iterator[str]:
    mapping = f"input from {part.mapping.input!r}"
    mapping += f", label from {part.mapping.label!r}" if part.mapping.label else ", no label"
    counts = (
        (part.empty_rows, "empty"),
        (part.unlabelled_rows, "without label"),
        (part.rejected_rows, "unusable in all"),
        (part.duplicates.rows, "repeating another"),
    )
    yield part.path
    if part.unit == "row":
        yield f"  columns  {', '.join(part.columns)} ({mapping})"
    found = "".join(f", {count:,} {what}" for count, what in counts if count)
    yield f"  {part.unit + 's':<8} {part.rows:,}{found}"
    if part.lengths:
        yield f"  lengths  {_lengths(part.lengths)}"
    if part.images:
        yield f"  sizes    {_sizes(part.images)}"
        yield f"  formats  {_counts(part.images.formats)}; modes {_counts(part.images.modes)}"
    yield ""


def _lengths(lengths: Lengths) -> str:
    text = (
        f"half up to {lengths.p50:,} {lengths.unit}, 90% up to {lengths.p90:,}, 99% up to {lengths.p99:,}, "
        f"longest {lengths.max:,}"
    )
    if lengths.truncated_share is None:
        return text
    cut = f"{lengths.truncated_share:.1%} are" if lengths.truncated_share else "none is"
    return f"{text}; up to {lengths.max_tokens:,} are read: {cut} cut"


def _sizes(images: ImageFacts) -> str:
    if images.sizes == 1:
        return f"all {_size(images.median)}"
    return (
        f"smallest {_size(images.smallest)}, half up to {_size(images.median)}, largest {_size(images.largest)}; "
        f"{images.sizes:,} different ones"
    )


def _size(size: Size) -> str:
    return f"{size.width:,} x {size.height:,}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _labels(found: Inspection, width: int | None) -> Iterator[str]:
    labels, unit, with_eval = found.labels, found.train.unit, found.eval is not None
    most = max(label.rows for label in labels) or 1
    rows = []
    names = told_apart(label.label for label in labels)
    for label in labels[:_LABELS_SHOWN]:
        bar = "█" * max(round(label.rows / most * _BAR_WIDTH), label.rows > 0)
        rows.append([names[label.label], f"{label.rows:,}", *([f"{label.eval_rows:,}"] if with_eval else []), bar])
    yield from render_table(rows, ("label", f"{unit}s", *((f"eval {unit}s",) if with_eval else ()), ""), width=width)
    if len(labels) > _LABELS_SHOWN:
        yield f"and {counted(len(labels) - _LABELS_SHOWN, 'label')} more (--json lists all)"
