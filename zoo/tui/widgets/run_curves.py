"""How a training went, as curves: its loss and its main metric; of several sources, those of each."""

from __future__ import annotations

import math

from textual.containers import Grid

from zoo.blocks import Curve as CurveBlock
from zoo.rendering.curves import LEAST_WIDTH
from zoo.runs.overview import curves_by_source, drawn_curves
from zoo.runs.snapshot import RunSnapshot
from zoo.tui.widgets.curve import Curve

LEAST_LINES, TALL = 4, 6
"""Lines that a curve needs, and from which on the metrics of several sources stand below their losses."""
Cells = list[CurveBlock | None]
"""From the upper left; None where nothing stands."""


class RunCurves(Grid):
    """Curves side by side, as many in a line as there is room for."""

    DEFAULT_CSS = "RunCurves { padding: 0 1; grid-gutter: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._snapshot = RunSnapshot()

    def show(self, s: RunSnapshot) -> None:
        """Draw another snapshot."""
        self._snapshot = s
        cells, columns = self._cells(s)
        children = list(self.query(Curve))
        while len(children) < len(cells):
            children.append(curve := Curve())
            self.mount(curve)
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = len(cells) // columns
        for place, curve in enumerate(children):
            block = cells[place] if place < len(cells) else None
            curve.display, curve.visible = place < len(cells), block is not None
            if block is not None:
                curve.show(block)

    def on_resize(self) -> None:
        self.show(self._snapshot)

    def _cells(self, s: RunSnapshot) -> tuple[Cells, int]:
        """All that there is room for, and how many stand in a line."""
        width, height = self.size
        rows = drawn_curves(curves_by_source(s))
        curves_of_row = len(rows[0])
        lines = math.ceil(curves_of_row / max(1, width // LEAST_WIDTH))
        columns = math.ceil(curves_of_row / lines)
        if height < TALL * lines * len(rows):
            rows = rows[:1]
        filler = (None,) * (columns * lines - curves_of_row)
        cells: Cells = [cell for row in rows for cell in (*row, *filler)]
        return cells[: columns * max(1, height // LEAST_LINES)], columns
