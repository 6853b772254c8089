"""The rows whose label is most probably wrong, at a terminal."""

from __future__ import annotations

from zoo.api import Run
from zoo.blocks import Table
from zoo.cli import diagnostics, output
from zoo.cli.render import show_report
from zoo.encoding import encode_json
from zoo.run_messages import final_figures
from zoo.runs.inspecting.doubtful_labels import FILE, DoubtfulLabel, read_doubtful_labels
from zoo.sanitize import one_line
from zoo.text_table import shortened

SHOWN = 20
"""Rows in doubt that are shown; the file has all."""
INPUT_WIDTH = 60
"""Cells of a terminal for what a row holds."""


def show_doubtful_labels(run: Run) -> None:
    """The rows in doubt of a finished run, those pairs of labels that are, and where all rows are listed."""
    s, rows = run.snapshot, list(read_doubtful_labels(run.folder))
    output.line(final_figures(s.metrics, s.intervals))
    if rows:
        show_report((_table(rows[:SHOWN]),))
        output.line()
    show_report(s.report, headings=True)
    if rows:
        path = run.folder.request.out or run.folder.path / FILE
        diagnostics.note(f"all of them, the most doubtful first: {path}")


def _table(rows: list[DoubtfulLabel]) -> Table:
    return Table(
        headers=("row", "input", "label", "probability", "proposed", "probability"),
        rows=tuple(
            (
                row.row,
                _input(row),
                row.label,
                round(row.label_probability, 3),
                row.proposed,
                round(row.proposed_probability, 3),
            )
            for row in rows
        ),
    )


def _input(row: DoubtfulLabel) -> str:
    text = row.input if isinstance(row.input, str) else encode_json(row.input).decode()
    return shortened(one_line(text), INPUT_WIDTH)
