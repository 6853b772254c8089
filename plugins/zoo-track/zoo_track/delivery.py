"""Figures on their way to a tracker, in a thread: a training never waits for one, and none can make it fail."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path

from zoo_track import record
from zoo_track.about import about
from zoo_track.figures import Figures
from zoo_track.record import Record
from zoo_track.tracker import Standing, Tracker, Unavailable, open_tracker

TOGETHER_S = 1.0
"""Figures that come within so long are written together."""
END_S = 60.0
"""How long the end of a training waits for a tracker."""


class Delivery:
    """A tracker's run, from the beginning of an attempt to its end.

    Args:
        name: of the tracker.
        folder: of the run.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder = name, folder
        self._waiting: queue.SimpleQueue[Figures | Standing] = queue.SimpleQueue()
        self._record = record.read(folder) or Record(name)
        self.place = ""
        """Where the tracker shows the run, once that is known."""
        self.failure = ""
        """Why it takes nothing any more."""
        self._thread = threading.Thread(target=self._go_on, name=f"track by {name}", daemon=True)
        self._thread.start()

    def put(self, figures: Figures) -> None:
        """Hand over figures; takes no time."""
        if not self.failure:
            self._waiting.put(figures)

    def end(self, standing: Standing) -> None:
        """Say that there are no more, and wait a while until all have arrived."""
        self._waiting.put(standing)
        self._thread.join(END_S)
        if self._thread.is_alive() and not self.failure:
            self.failure = f"it has not taken everything within {END_S:.0f} s"

    def _go_on(self) -> None:
        try:
            self._deliver(open_tracker(self._name))
        except Unavailable as error:
            self.failure = str(error)
        except ModuleNotFoundError as error:
            self.failure = f"{error.name} is not installed: pip install {self._name}"
        except (Exception, SystemExit) as error:  # whatever a tracker, its server or its disk may come up with
            self.failure = " ".join(f"{type(error).__name__}: {error}".split())[:500]

    def _deliver(self, tracker: Tracker) -> None:
        self._record = self._record._replace(run=tracker.begin(about(self._folder), self._record.run))
        self.place = tracker.place
        record.write(self._folder, self._record)
        standing: Standing | None = None
        while standing is None:
            figures, standing = self._next()
            if fresh := [one for one in figures if one.step > self._record.written.get(one.kind, -1)]:
                tracker.write(fresh)
                written = self._record.written | {one.kind: one.step for one in fresh}
                self._record = self._record._replace(written=written)
                record.write(self._folder, self._record)
        tracker.end(standing)

    def _next(self) -> tuple[list[Figures], Standing | None]:
        """What has come, once something has; and how the training ended, if it has."""
        figures: list[Figures] = []
        until = None
        while True:
            try:
                one = self._waiting.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            except queue.Empty:
                return figures, None
            if isinstance(one, str):
                return figures, one
            figures.append(one)
            until = until or time.monotonic() + TOGETHER_S
