"""A run as blocks: what a notebook shows of it."""

from __future__ import annotations

from zoo.blocks import Block, Paragraph, Table
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot


def overview(request: RunRequest, s: RunSnapshot) -> tuple[Block, ...]:
    """What the run is and how it stands, its figures, and the report of its evaluation.

    Args:
        request: what was asked for.
        s: what is known of it.
    """
    blocks: list[Block] = [Paragraph(text=f"{request.name}: {request.verb} {request.model}, {s.status}", tone="strong")]
    if s.error:
        blocks.append(Paragraph(text=f"{s.error}. {s.hint}" if s.hint else s.error, tone="error"))
    if s.latest_metrics:
        blocks.append(Table(headers=("metric", "value"), rows=tuple(s.latest_metrics.items())))
    return (*blocks, *s.report)
