"""What events say of one of several sources of a run: the plan, how far it is, what came of it."""

from __future__ import annotations

import msgspec


class SourcePlanned(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will do with one of its sources."""

    name: str
    task: str
    rows: int
    """To train on."""
    eval_rows: int
    batch_size: int
    """Examples of it in a step that learns from it."""
    epochs: float
    """How often the run goes through it."""
    weight: float = 1.0
    """Of its mean loss in the sum."""


class SourceStep(msgspec.Struct, frozen=True):
    """How far a run is with one of its sources."""

    name: str
    epoch: float
    """Passes over it, fractional."""
    loss: float | None
    """Mean per example since the last such event, in nats; None where there was none, or it is not finite."""


class SourceResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one of the sources of a run."""

    name: str
    task: str
    labels: tuple[str, ...] = ()
    metrics: dict[str, float] = {}
    """Of the weights that were kept; the primary metric comes first."""
    best_step: int | None = None
    """Where this source alone was at its best."""
    best_metrics: dict[str, float] = {}
    """There."""
    parameters: int | None = None
    """Of the body and its head; None where that is not known."""
    epochs: float | None = None
    """How often a client went through its rows, without the turns of which nothing came; None of other sources."""
