"""How a training went, as curves: its loss and its main metric; of several sources, those of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.containers import Grid

from zoo.metrics import primary_figure
from zoo.runs.learning_curve import Evaluation, HasCurve
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import one_line
from zoo.tui.widgets.curve import Curve, Point

CURVE_WIDTH = 24
"""Columns that a curve needs."""
TALL = 12
"""Lines from which two curves fit one below the other."""


class CurvePoints(NamedTuple):
    """What one curve shows."""

    title: str
    points: Sequence[Point]


class RunCurves(Grid):
    """Curves side by side; of several sources, one column each, with the metric below the loss where there is room."""

    DEFAULT_CSS = "RunCurves { padding: 0 1; grid-gutter: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._snapshot = RunSnapshot()

    def show(self, s: RunSnapshot) -> None:
        """Draw another snapshot."""
        self._snapshot = s
        curves, columns = self._curves(s)
        children = list(self.query(Curve))
        while len(children) < len(curves):
            children.append(curve := Curve("", empty="nothing yet"))
            self.mount(curve)
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = len(curves) // columns
        for place, curve in enumerate(children):
            curve.display = place < len(curves)
            if curve.display:
                curve.title = curves[place].title
                curve.show(curves[place].points)

    def on_resize(self) -> None:
        self.show(self._snapshot)

    def _curves(self, s: RunSnapshot) -> tuple[list[CurvePoints], int]:
        """All that there is room for, and how many stand in a row."""
        if not s.sources:
            metric = _metric(s.evaluations)
            return [_loss(s), metric._replace(title=f"{metric.title} on held-out rows")], 2
        shown = s.sources[: max(1, self.size.width // CURVE_WIDTH)]
        curves = [_named(_loss(source), source.name) for source in shown]
        if self.size.height >= TALL:
            curves += [_named(_metric(source.evaluations), source.name) for source in shown]
        return curves, len(shown)


def _named(curve: CurvePoints, source: str) -> CurvePoints:
    return curve._replace(title=f"{one_line(source)}: {curve.title}")


def _loss(s: HasCurve) -> CurvePoints:
    return CurvePoints("loss", [(point.step, point.loss) for point in s.loss_curve])


def _metric(evaluations: Sequence[Evaluation]) -> CurvePoints:
    """The main metric of the evaluations."""
    newest = evaluations[-1].metrics if evaluations else {}
    name, _ = primary_figure({name: value for name, value in newest.items() if name != "loss"}) or ("loss", 0.0)
    return CurvePoints(one_line(name), [(one.step, one.metrics[name]) for one in evaluations if name in one.metrics])
