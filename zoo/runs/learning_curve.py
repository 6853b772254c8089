"""How the loss and the figures of a training went: points and evaluations, of a whole run and of each of its sources.

Their number is bounded, however long the run is.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from zoo.runs.events import WrittenSample

CURVE_POINTS = 512
EVALUATIONS = 512
Changes = dict[str, Any]
"""Fields of a snapshot that an event sets."""


class Point(msgspec.Struct, frozen=True):
    """One point of the loss curve."""

    step: int
    loss: float


class Evaluation(msgspec.Struct, frozen=True):
    """One evaluation."""

    step: int
    metrics: dict[str, float]
    best: bool
    sample: WrittenSample | None = None
    """What the model wrote then; None where it writes no texts."""


class HasCurve(Protocol):
    """What a snapshot of a training has."""

    @property
    def loss_curve(self) -> tuple[Point, ...]:
        """At most 512 points; of a longer run every 2nd, 4th, 8th ... event."""
        ...

    @property
    def curve_stride(self) -> int:
        """How many events a point stands for."""
        ...

    @property
    def curve_points(self) -> int:
        """Events so far."""
        ...

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The newest, at most 512, one a step."""
        ...


NOTHING_LEARNT: Changes = {"loss": None, "loss_curve": (), "curve_stride": 1, "curve_points": 0, "evaluations": ()}
"""Where a training begins."""


def with_point(s: HasCurve, step: int, loss: float | None) -> Changes:
    """Keep every stride-th point; when the curve is full, drop every second and double the stride.

    Args:
        s: what is known so far.
        step: that was completed.
        loss: since the event before; None where there is none.
    """
    if loss is None:
        return {}
    points, stride, curve = s.curve_points, s.curve_stride, s.loss_curve
    if points % stride == 0:
        curve = (*curve, Point(step, loss))
    if len(curve) > CURVE_POINTS:
        curve, stride = curve[::2], stride * 2
    return {"loss_curve": curve, "curve_stride": stride, "curve_points": points + 1}


def with_evaluation(s: HasCurve, evaluation: Evaluation) -> Changes:
    """Add an evaluation; what there is of the same step, of other sources, becomes one with it."""
    before = s.evaluations
    if before and before[-1].step == evaluation.step:
        *earlier, last = before
        merged = msgspec.structs.replace(
            evaluation, metrics=last.metrics | evaluation.metrics, sample=evaluation.sample or last.sample
        )
        return {"evaluations": (*earlier, merged)}
    return {"evaluations": (*before, evaluation)[-EVALUATIONS:]}


def up_to(s: HasCurve, step: int) -> Changes:
    """Forget what came after a step."""
    curve = tuple(point for point in s.loss_curve if point.step <= step)
    return {
        "loss": curve[-1].loss if curve else None,
        "loss_curve": curve,
        "evaluations": tuple(evaluation for evaluation in s.evaluations if evaluation.step <= step),
    }
