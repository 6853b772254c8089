"""A run as blocks: what a notebook shows of it."""

from __future__ import annotations

from zoo.blocks import Block, Cell, Paragraph, Table
from zoo.metrics import primary_figure
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.source_snapshot import SourceSnapshot


def overview(request: RunRequest, s: RunSnapshot) -> tuple[Block, ...]:
    """What the run is and how it stands, its figures, and the report of its evaluation.

    Args:
        request: what was asked for.
        s: what is known of it.
    """
    blocks: list[Block] = [Paragraph(text=f"{request.name}: {request.verb} {request.model}, {s.status}", tone="strong")]
    if s.error:
        blocks.append(Paragraph(text=f"{s.error}. {s.hint}" if s.hint else s.error, tone="error"))
    if s.sources:
        blocks.append(source_table(s))
    elif s.latest_metrics:
        blocks.append(Table(headers=("metric", "value"), rows=tuple(s.latest_metrics.items())))
    return (*blocks, *s.report)


def source_table(s: RunSnapshot) -> Table:
    """Each of several sources: its task, its figures, and where it alone was at its best.

    Args:
        s: what is known of the run.
    """
    headers = ("source", "task", "metric", "value", "best step of its own", "value there")
    return Table(title="Sources", headers=headers, rows=tuple(map(_source_row, s.sources)))


def _source_row(source: SourceSnapshot) -> tuple[Cell, ...]:
    metric, value = primary_figure(source.latest_metrics) or ("", None)
    result = source.result
    best = result.best_metrics.get(metric) if result else None
    return (source.name, source.task, metric, value, result.best_step if result else None, best)
