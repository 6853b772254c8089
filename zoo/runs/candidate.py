"""A model that was tried: to be made smaller, a smaller form of it, or one to choose from. What it takes, how it
answers, what was decided.

Its events are here, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zoo.runs.event import Event


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One form of a model, or one model of several, as it was measured."""

    name: str
    """`original`, or what its weights are kept in; of one that may be picked that of the model, or of the trial."""
    stage: str = ""
    """Of one that may be picked: what the figure is of, such as `1/4 of the rows`; empty for forms of a model."""
    settings: dict[str, Any] = {}
    """Of a trial of a sweep: options in which it differs from the others, by name."""
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
    interval: tuple[float, float] | None = None
    """Where the figure lies with 95% confidence."""
    drop: float | None = None
    """From the figure of the original, or of the best, above 0 where it is worse; None of that one itself."""
    low: float | None = None
    """Of the 95% interval of the drop."""
    high: float | None = None
    p: float | None = None
    """Of the paired test that it is as good as the best, corrected for the number of tests."""
    test: float | None = None
    """The figure of rows that have chosen nothing; None where they were not asked."""
    test_interval: tuple[float, float] | None = None
    seconds: float = 0.0
    """That trying it took."""
    rows_learnt: int = 0
    """Of a trial of a sweep: rows that its training went through, each as often as it did."""
    passed: bool = False
    """Whether the whole interval is within what was allowed."""
    chosen: bool = False
    reason: str = ""
    """Why it is not taken; empty where it is, or where nothing has been chosen yet."""


def with_candidate(candidates: Sequence[Candidate], measured: Candidate) -> tuple[Candidate, ...]:
    """Candidates and what is known of one by now; trials by their numbers, whichever was the first to end."""
    known = ({one.name: one for one in candidates} | {measured.name: measured}).values()
    return tuple(sorted(known, key=lambda one: (len(one.name), one.name)) if measured.settings else known)


def settings_in_words(settings: Mapping[str, Any]) -> str:
    """What a trial of a sweep is tried with, in a line: `lr 3e-05, batch-size 16`."""
    return ", ".join(f"{name.replace('_', '-')} {setting_text(value)}" for name, value in settings.items())


def setting_text(value: Any) -> str:
    """The value of an option, as it is shown."""
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


class CandidateStepped(Event, frozen=True, kw_only=True, tag="candidate_stepped"):
    """A network that is trained to be a candidate has taken a step. Throttled."""

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
    """A model that is to be made smaller or may be picked, or a smaller form of it, was measured, or something was
    decided about it.
    """

    candidate: Candidate
