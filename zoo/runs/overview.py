"""A run as blocks: what a notebook shows of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from zoo.blocks import Block, Cell, Curve, Paragraph, Table
from zoo.metrics import primary_figure
from zoo.metrics.intervals import bounds
from zoo.runs.candidate import Candidate, setting_text
from zoo.runs.learning_curve import Evaluation, HasCurve
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.source_snapshot import SourceSnapshot
from zoo.units import duration, size

SHOWN_CLIENTS = 8
"""Most clients whose curves are worth their room beside those of the whole run."""


def overview(request: RunRequest, s: RunSnapshot) -> tuple[Block, ...]:
    """What the run is and how it stands, its figures, and the report of its evaluation.

    Args:
        request: what was asked for.
        s: what is known of it.
    """
    blocks: list[Block] = [
        Paragraph(text=f"{request.name}: {request.verb} {request.subject}, {s.status}", tone="strong")
    ]
    if s.error:
        blocks.append(Paragraph(text=f"{s.error}. {s.hint}" if s.hint else s.error, tone="error"))
    if s.sources and not s.figures_of_all:
        blocks.append(source_table(s))
    elif s.latest_metrics:
        blocks.append(figure_table(s))
    if s.candidates:
        blocks.append(candidate_table(s.candidates))
    blocks += (curve for row in drawn_curves(curves_by_source(s)) for curve in row if curve.points)
    return (*blocks, *s.report)


def figure_table(s: RunSnapshot) -> Table:
    """The newest figures, with their 95% intervals once they are known.

    Args:
        s: what is known of the run.
    """
    figures = s.figures_of_all.items()
    if not s.intervals:
        return Table(headers=("metric", "value"), rows=tuple(figures))
    rows = tuple((name, value, *bounds(s.intervals.get(name))) for name, value in figures)
    return Table(headers=("metric", "value", "95% from", "to"), rows=rows)


class SourceCurves(NamedTuple):
    """How a training went, as far as one of its sources is concerned."""

    source: str
    """Name of it; empty where there is one."""
    loss: Curve
    metric: Curve
    """The main metric on held-out rows."""


def curves_by_source(s: RunSnapshot) -> tuple[SourceCurves, ...]:
    """How a training went, source by source; of clients that learn together the whole, and some of them.

    Args:
        s: what is known of the run.
    """
    if not s.sources:
        return (SourceCurves("", _loss(s), _metric(s.evaluations)),)
    each = tuple(SourceCurves(one.name, _loss(one), _metric(one.evaluations)) for one in s.sources)
    if s.figures_of_all:
        return (SourceCurves("", _loss(s), _metric(s.evaluations)), *each[:SHOWN_CLIENTS])
    return each


def drawn_curves(each: Sequence[SourceCurves]) -> list[tuple[Curve, ...]]:
    """The loss and the main metric of one source; of several the losses of all, and below their metrics.

    Args:
        each: as `curves_by_source` gives them, or some of them.
    """
    if len(each) == 1:
        (one,) = each
        return [(one.loss, msgspec.structs.replace(one.metric, title=f"{one.metric.title} on held-out rows"))]
    losses = (_named(one.loss, one.source) for one in each)
    return [tuple(losses), tuple(_named(one.metric, one.source) for one in each)]


def _loss(s: HasCurve) -> Curve:
    return Curve(title="loss", points=tuple((point.step, point.loss) for point in s.loss_curve))


def _metric(evaluations: Sequence[Evaluation]) -> Curve:
    newest = evaluations[-1].metrics if evaluations else {}
    name, _ = primary_figure({name: value for name, value in newest.items() if name != "loss"}) or ("loss", 0.0)
    points = ((one.step, one.metrics[name]) for one in evaluations if math.isfinite(one.metrics.get(name, math.nan)))
    return Curve(title=name, points=tuple(points))


def _named(curve: Curve, source: str) -> Curve:
    return msgspec.structs.replace(curve, title=f"{source}: {curve.title}") if source else curve


def source_table(s: RunSnapshot) -> Table:
    """Each of several sources: its task, its figures, and where it alone was at its best.

    Args:
        s: what is known of the run.
    """
    headers = ("source", "task", "metric", "value", "best step of its own", "value there")
    return Table(title="Sources", headers=headers, rows=tuple(map(_source_row, s.sources)))


def candidate_table(candidates: Sequence[Candidate]) -> Table:
    """A model beside the smaller forms of it, or models or trials of which one is taken: what each takes, what it
    answers, and whether it is taken.

    Args:
        candidates: as they were measured.
    """
    metric = next((one.metric for one in candidates if one.metric), "figure")
    if any(one.settings for one in candidates):
        return _swept_table(candidates, metric)
    if any(one.stage for one in candidates):
        return _picked_table(candidates, metric)
    headers = ("weights", "computed in", "size", "memory", "one row", "rows/s", metric, "drop (95% interval)", "")
    return Table(title="Sizes", headers=headers, rows=tuple(map(_candidate_row, candidates)))


def _candidate_row(one: Candidate) -> tuple[Cell, ...]:
    measured = one.figure is not None
    drop = ""
    if one.drop is not None and one.low is not None and one.high is not None:
        drop = f"{one.drop:+.4f} ({one.low:+.4f} to {one.high:+.4f})"
    return (
        one.name,
        one.precision,
        size(one.size_bytes) if one.size_bytes else "",
        size(one.memory_bytes) if measured else "",
        f"{1000 * one.latency_s:.1f} ms" if measured else "",
        f"{one.rows_per_s:,.0f}" if measured else "",
        one.figure,
        drop,
        "taken" if one.chosen else one.reason,
    )


def _picked_table(candidates: Sequence[Candidate], metric: str) -> Table:
    beside = ("behind the best (95%)", "p (corrected)", f"{metric} on test rows (95%)")
    headers = ("model", "learnt from", f"{metric} (95%)", *beside, "time", "size", "one row", "")
    return Table(title="Models", headers=headers, rows=tuple(map(_picked_row, candidates)))


def _picked_row(one: Candidate) -> tuple[Cell, ...]:
    drop = ""
    if one.drop is not None and one.low is not None and one.high is not None:
        drop = f"{one.drop:+.4f} ({one.low:+.4f} to {one.high:+.4f})"
    return (
        one.name,
        one.stage,
        _with_interval(one.figure, one.interval),
        drop,
        "" if one.p is None else "below 0.0001" if one.p < 0.0001 else f"{one.p:.4f}",
        _with_interval(one.test, one.test_interval),
        duration(one.seconds) if one.seconds else "",
        size(one.size_bytes) if one.size_bytes else "",
        f"{1000 * one.latency_s:.1f} ms" if one.latency_s else "",
        "taken" if one.chosen else one.reason,
    )


def _swept_table(candidates: Sequence[Candidate], metric: str) -> Table:
    """The trials of a sweep, with what they were tried with."""
    names = tuple(dict.fromkeys(name for one in candidates for name in one.settings))
    headers = (
        "trial",
        *(name.replace("_", "-") for name in names),
        "learnt from",
        f"{metric} (95%)",
        "behind the best (95%)",
        "p (corrected)",
        "time",
        "size",
        "one row",
        "",
    )
    rows = []
    for one in candidates:
        _, stage, figure, drop, p, _, *costs = _picked_row(one)
        settings = (setting_text(one.settings[name]) if name in one.settings else "" for name in names)
        rows.append((one.name.removeprefix("trial-"), *settings, stage, figure, drop, p, *costs))
    return Table(title="Trials", headers=headers, rows=tuple(rows))


def _with_interval(figure: float | None, interval: tuple[float, float] | None) -> str:
    if figure is None:
        return ""
    return f"{figure:.4f}" + (f" ({interval[0]:.4f} to {interval[1]:.4f})" if interval else "")


def _source_row(source: SourceSnapshot) -> tuple[Cell, ...]:
    metric, value = primary_figure(source.latest_metrics) or ("", None)
    result = source.result
    best = result.best_metrics.get(metric) if result else None
    return (source.name, source.task, metric, value, result.best_step if result else None, best)
