"""The history of a run, line by line, from its events: what `zoo logs` prints."""

from __future__ import annotations

import time

from zoo.event_messages import EventMessages, timestamped
from zoo.run_messages import answered_rows, figures, finished, progress_figures
from zoo.runs.events import (
    AnyEvent,
    CheckpointSaved,
    PredictionsWritten,
    RunFinished,
    RunLaunched,
    StepCompleted,
    WeightsFetched,
)
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import EMPTY, RunSnapshot, apply
from zoo.units import size

LINES_OF_PROGRESS = 20
"""How many lines the steps of a whole run make, about."""
MIN_SILENCE_S = 1.0
"""Between two lines of progress: the steps of a short run need none."""
MAX_SILENCE_S = 600.0
"""A line of progress is due after so long, however little was done."""


class History:
    """Turns events, in order, into lines with the time; steps are thinned.

    Args:
        request: what the run was asked to do.
        verbose: whether every checkpoint has a line.
    """

    def __init__(self, request: RunRequest, *, verbose: bool = False) -> None:
        self._request, self._verbose = request, verbose
        self._messages = EventMessages(verbose=True)
        self._snapshot = EMPTY
        self._day = ""
        self._reported: tuple[float, float] = (0.0, 0.0)
        """Share of the run that the newest line of progress reported, and the time of the newest line."""

    def lines(self, event: AnyEvent) -> list[str]:
        """What there is to say of one more event."""
        self._snapshot = apply(self._snapshot, event)
        texts = timestamped(event, self._texts(event, self._snapshot))
        if not texts:
            return []
        self._reported = (self._share, event.at)
        day = time.strftime("%Y-%m-%d", time.localtime(event.at))
        if day == self._day:
            return texts
        self._day = day
        return [day, *texts]

    def _texts(self, event: AnyEvent, s: RunSnapshot) -> list[str]:
        match event:
            case RunLaunched():
                data = f" on {self._data}"
                again = f", attempt {event.attempt}" if event.attempt > 1 else ""
                return [f"{self._request.verb} of {self._request.subject}{data}{again}"]
            case StepCompleted() | PredictionsWritten():
                return [progress_figures(s)] if self._is_due(event.at) else []
            case WeightsFetched():
                complete = event.received_bytes == event.total_bytes
                return [f"weights: {size(event.received_bytes)} fetched"] if complete else []
            case CheckpointSaved() if not self._verbose:
                return []
            case RunFinished():
                end = finished(event.at - s.started_at if s.started_at else None, s.chosen_step)
                return [f"{end}: {result}" if (result := self._result(event)) else end]
        return self._messages.lines(event, s)

    @property
    def _data(self) -> str:
        sources = self._request.sources
        return ", ".join(f"{source.name} {source.data.path}" for source in sources) or self._request.data_place

    def _result(self, event: RunFinished) -> str:
        if self._request.verb == "predict":
            return f"{answered_rows(self._snapshot)} in {self._request.out}"
        return figures(event.metrics)

    @property
    def _share(self) -> float:
        s = self._snapshot
        done, whole = (s.step, s.steps) if s.plan else (s.rows_predicted, s.total_rows or 0)
        return done / whole if whole else 0.0

    def _is_due(self, at: float) -> bool:
        share, reported_at = self._reported
        silence_s = at - reported_at
        return silence_s > MAX_SILENCE_S or (silence_s >= MIN_SILENCE_S and _parts(self._share) > _parts(share))


def _parts(share: float) -> int:
    """Whole parts of a run that are done; a share of 0.15 may be a little less in binary."""
    return int(share * LINES_OF_PROGRESS + 1e-9)
