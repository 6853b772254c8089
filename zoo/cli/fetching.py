"""A download beside what it is for: a line that is repainted."""

from __future__ import annotations

from zoo.cli import diagnostics
from zoo.fetch import Progress
from zoo.units import size


def show_fetching(progress: Progress) -> None:
    """Show how a download goes."""
    diagnostics.status(f"fetching {size(progress.received_bytes)} of {size(progress.total_bytes or 0)}")
