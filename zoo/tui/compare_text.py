"""A comparison as text, part by part, in as many columns as there are."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from zoo.blocks import Curve, Table
from zoo.comparison import NOT_ASKED, Comparison, DifferingRow
from zoo.comparison.words import cost_table, figure_table, setting_table, test_table
from zoo.plurals import counted
from zoo.rendering.fitted import fitted_lines
from zoo.runs.overview import curves_by_source, drawn_curves
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import one_line
from zoo.text_table import cell_width, padded, shortened

SHOWN_ROWS = 200
"""Most rows of the list of those that are not answered alike."""
INPUT_LINES = 3
INDENT = 2


def comparison_tabs(comparison: Comparison, width: int) -> dict[str, str]:
    """Title and text of each part that there is something of.

    Args:
        comparison: of records, or of answers.
        width: columns of the terminal.
    """
    tabs = {"Figures": _figures(comparison, width)}
    if comparison.pairs:
        tabs["Tests"] = _titled(test_table(comparison), width)
    if comparison.differing:
        tabs["Rows"] = _rows(comparison, width)
    if comparison.settings:
        tabs["Settings"] = _titled(setting_table(comparison), width)
    tabs["Cost"] = "\n".join(fitted_lines(cost_table(comparison), width))
    if comparison.notes:
        tabs["Notes"] = "\n".join(map(one_line, comparison.notes))
    return tabs


def said_of(comparison: Comparison) -> str:
    """What it comes to; empty while that is still to be seen."""
    return "" if comparison.untested == NOT_ASKED else one_line(comparison.verdict)


def overlaid_curves(snapshots: Sequence[RunSnapshot]) -> dict[str, tuple[Curve, ...]]:
    """What several runs have curves of, each with a curve for every run, which is empty for one that has none.

    Args:
        snapshots: of the runs, in their order.
    """
    each = [
        {curve.title: curve for row in drawn_curves(curves_by_source(s)) for curve in row if curve.points}
        for s in snapshots
    ]
    rounds = zip_longest(*(curves for curves in each), fillvalue="")  # the losses of all before their metrics
    titles = dict.fromkeys(title for of_runs in rounds for title in of_runs if title)
    return {title: tuple(curves.get(title, Curve(points=())) for curves in each) for title in titles}


def _figures(comparison: Comparison, width: int) -> str:
    """The figures, and below them where each is from: that is too long for a column."""
    table = figure_table(comparison)
    if not comparison.untested:
        return _titled(table, width)
    columns = len(table.headers) - 1
    rows = tuple(row[:columns] for row in table.rows)
    text = _titled(Table(title=table.title, headers=table.headers[:columns], rows=rows), width)
    places = [f"{one_line(one.name)}: {one_line(one.judged_on)}" for one in comparison.models if one.judged_on]
    return "\n".join([text, "", *(shortened(place, width) for place in places)])


def _titled(table: Table, width: int) -> str:
    return "\n".join([shortened(one_line(table.title), width), "", *fitted_lines(table, width)])


def _rows(comparison: Comparison, width: int) -> str:
    rows = comparison.differing[:SHOWN_ROWS]
    of = f"; these are {len(rows):,} of them" if len(rows) < len(comparison.differing) else ""
    lines = [f"{counted(len(comparison.differing), 'row')} not answered alike{of}, the furthest apart first"]
    names = [one_line(one.name) for one in comparison.models]
    for row in rows:
        lines += ["", *_row(row, names, width)]
    return "\n".join(lines)


def _row(row: DifferingRow, names: Sequence[str], width: int) -> list[str]:
    text = textwrap.wrap(one_line(row.input), max(20, width), max_lines=INPUT_LINES, placeholder=" …")
    room = max(map(cell_width, names))
    lines = [shortened(f"row {row.row:,}: {one_line(row.target)}", width), *(" " * INDENT + line for line in text)]
    for name, answer in zip(names, row.answers, strict=True):
        lines.append(shortened(f"{' ' * INDENT}{padded(name, room)}  {one_line(answer)}", width))
    return lines
