"""A model that is to be made smaller, or a smaller form of it: what it takes, how it answers, what was decided.

Its events are here, too.
"""

from __future__ import annotations

import msgspec

from zoo.runs.event import Event


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One form of a model, as it was measured."""

    name: str
    """`original`, or what its weights are kept in."""
    precision: str = ""
    """That it computes in."""
    size_bytes: int = 0
    """Of all its files."""
    memory_bytes: int = 0
    """Most that loading and answering added to the memory of the process."""
    latency_s: float = 0.0
    """Median of answering one row alone."""
    rows_per_s: float = 0.0
    """Of answering all of them."""
    metric: str = ""
    figure: float | None = None
    """Of the rows judged on; None where it could not be judged."""
    drop: float | None = None
    """From the figure of the original, above 0 where it is worse; None of the original itself."""
    low: float | None = None
    """Of the 95% interval of the drop."""
    high: float | None = None
    passed: bool = False
    """Whether the whole interval is within what was allowed."""
    chosen: bool = False
    reason: str = ""
    """Why it is not taken; empty where it is, or where nothing has been chosen yet."""


class CandidateStepped(Event, frozen=True, kw_only=True, tag="candidate_stepped"):
    """A smaller network that is trained to be a candidate has taken a step. Throttled."""

    name: str
    """Of the candidate."""
    step: int
    """1-based optimizer step."""
    steps: int
    loss: float | None
    """Mean per example since the last such event, in nats; None where it is not finite."""
    left_s: float | None
    """Seconds of training left; None where that is not known."""


class CandidateMeasured(Event, frozen=True, kw_only=True, tag="candidate_measured"):
    """A model that is to be made smaller, or a smaller form of it, was measured, or something was decided about it."""

    candidate: Candidate
