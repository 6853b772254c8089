"""Runs held against one another, in a thread, for the screen that shows it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from zoo.comparison import NOT_ASKED, Comparison, compare_records
from zoo.comparison.elsewhere import ComparisonElsewhere
from zoo.errors import RunCancelled, RunFailed, ZooError
from zoo.jobs import Place
from zoo.sanitize import error_text

LEAST_S = 1.0
"""Between two looks at runs that go on."""


class Shown(Protocol):
    """What is told, in the thread of the comparer."""

    def on_comparison(self, comparison: Comparison) -> None: ...

    def on_progress(self, text: str) -> None: ...

    def on_error(self, error: ZooError) -> None: ...


class Comparer:
    """Compares what runs have recorded, then lets their models answer in a process, where there can be a test.

    Args:
        names: of runs.
        place: where models answer.
        shown: is told what comes of it.
    """

    def __init__(self, names: Sequence[str], place: Place, shown: Shown) -> None:
        self._names, self._place, self._shown = tuple(names), place, shown
        self._wanted, self._stopped = threading.Event(), threading.Event()
        self._elsewhere: ComparisonElsewhere | None = None

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._go_on, name="compare", daemon=True).start()

    def renew(self) -> None:
        """Compare anew: a run has gone on."""
        self._wanted.set()
        if (elsewhere := self._elsewhere) is not None:
            elsewhere.close()

    def stop(self) -> None:
        """End, and the process of the models with it; nothing is told any more."""
        self._stopped.set()
        self.renew()

    def _go_on(self) -> None:
        while self._wanted.wait() and not self._stopped.is_set():
            self._wanted.clear()
            self._elsewhere = ComparisonElsewhere(self._names, self._place)
            try:
                self._compare(self._elsewhere)
            except RunCancelled:
                pass  # they are compared anew, or nobody looks any more
            except ZooError as error:
                self._shown.on_error(error)
            except Exception as error:  # or nothing would ever be said of these runs again
                message = f"comparing failed: {type(error).__name__}: {error_text(error)}"
                self._shown.on_error(RunFailed(message, "zoo compare shows where"))
            self._stopped.wait(LEAST_S)

    def _compare(self, elsewhere: ComparisonElsewhere) -> None:
        recorded = compare_records(self._names)
        self._shown.on_comparison(recorded)
        if recorded.untested == NOT_ASKED and not self._wanted.is_set():
            self._shown.on_comparison(elsewhere.result(self._shown.on_progress))
