"""The rows whose label is most probably wrong, at a terminal."""

from __future__ import annotations

from zoo.api import Run
from zoo.cli import diagnostics, output
from zoo.cli.render import show_report
from zoo.run_messages import final_figures
from zoo.runs.inspecting.doubtful_labels import FILE, doubtful_table, read_doubtful_labels

SHOWN = 20
"""Rows in doubt that are shown; the file has all."""


def show_doubtful_labels(run: Run) -> None:
    """The rows in doubt of a finished run, those pairs of labels that are, and where all rows are listed."""
    s, rows = run.snapshot, list(read_doubtful_labels(run.folder))
    output.line(final_figures(s.metrics, s.intervals))
    if rows:
        show_report((doubtful_table(rows[:SHOWN]),))
        output.line()
    show_report(s.report, headings=True)
    if rows:
        path = run.folder.request.out or run.folder.path / FILE
        diagnostics.note(f"all of them, the most doubtful first: {path}")
