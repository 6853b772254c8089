"""One run, followed event by event, for the screen that shows it."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from zoo.blocks import Paragraph, Report
from zoo.errors import ZooError
from zoo.event_messages import EventMessages, timestamped
from zoo.runs.inspecting.doubtful_labels import doubtful_table, read_doubtful_labels
from zoo.runs.liveness import is_alive
from zoo.runs.log import read_events
from zoo.runs.mistakes import Mistake, read_mistakes
from zoo.runs.placement import without_waiting
from zoo.runs.snapshot import EMPTY, RunSnapshot, apply
from zoo.runs.status import judge
from zoo.runs.store import RunFolder
from zoo.sanitize import plain
from zoo.tui.run_text import SHOWN_MISTAKES, report_tabs

POLL_S = 0.15
LINES = 500
"""What happened last."""
LOG_BYTES = 64 * 1024
"""The end of the log that is shown."""
MistakesBySource = dict[str, tuple[Mistake, ...]]
"""Of a run with one source, under an empty name."""


class Outcome(NamedTuple):
    """What a run that has ended has written beside its events, as far as it is shown."""

    mistakes: MistakesBySource = {}
    """The first wrong answers."""
    tabs: dict[str, Report] = {}
    """What else came of it, by the title of its tab: labels in doubt, whether a replay gave the same bits."""


NOTHING = Outcome()
OnChange = Callable[[RunSnapshot, str, str, Outcome], None]


class Follower:
    """Reads a run's events and log in a thread until it is stopped.

    Args:
        folder: the run.
        on_change: given the snapshot, what happened so far, the end of the log and what came of the run, in the
            follower's thread.
    """

    def __init__(self, folder: RunFolder, on_change: OnChange) -> None:
        self._folder, self._on_change = folder, on_change
        self._stopped = threading.Event()
        self._snapshot = self._judged = EMPTY
        self._fault = self._lacking = ""
        self._messages = EventMessages(verbose=True)
        self._offset = 0
        self._log_size = -1
        self._messages_shown: deque[str] = deque(maxlen=LINES)

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._go_on, name=f"follow {self._folder.name}", daemon=True).start()

    def stop(self) -> None:
        """End; nothing is reported any more."""
        self._stopped.set()

    def _go_on(self) -> None:
        reported: tuple[RunSnapshot, int, str] | None = None
        log = ""
        outcome = NOTHING
        while not self._stopped.is_set():
            snapshot = self._read()
            size = _size(self._folder)
            if size != self._log_size:
                self._log_size, log = size, _tail(self._folder)
            if reported != (state := (snapshot, size, self._fault)):
                reported = state
                if snapshot.live:
                    outcome = NOTHING
                elif outcome == NOTHING:
                    outcome = self._outcome(snapshot)
                    reported = None if self._lacking else reported  # it is looked for again
                self._on_change(snapshot, "\n".join(self._messages_shown), log, outcome)
            self._stopped.wait(POLL_S if snapshot.live else 4 * POLL_S)

    def _outcome(self, snapshot: RunSnapshot) -> Outcome:
        """What it has written beside its events; nothing, and a message, where that cannot be read."""
        lacked, self._lacking = self._lacking, ""
        try:
            return Outcome(self._first_mistakes(snapshot), dict(self._tabs(snapshot)))
        except (OSError, ZooError) as error:
            self._lacking = f"what came of it cannot be read: {_reason(error)}"
            if self._lacking != lacked:
                self._messages_shown.append(plain(self._lacking))
            return NOTHING

    def _first_mistakes(self, snapshot: RunSnapshot) -> MistakesBySource:
        """Of the run, or of each source that has some."""
        names = ["", *(source.name for source in snapshot.sources)]
        lists = {name: read_mistakes(self._folder.of_source(name)) for name in names}
        firsts = {name: tuple(islice(mistakes, SHOWN_MISTAKES)) for name, mistakes in lists.items()}
        return {name: mistakes for name, mistakes in firsts.items() if mistakes}

    def _tabs(self, snapshot: RunSnapshot) -> Iterator[tuple[str, Report]]:
        """What else came of it."""
        if rows := list(islice(read_doubtful_labels(self._folder), SHOWN_MISTAKES)):
            table = doubtful_table(rows)
            yield table.title, (table,)
        if snapshot.status == "finished" and self._folder.request.replays:
            yield from ((title, tuple(blocks)) for title, blocks in report_tabs(self._verdict(), "Replay").items())

    def _verdict(self) -> Report:
        """Whether the same bits came out; or why nobody can tell."""
        from zoo.replaying import replayed

        try:
            return replayed(self._folder).blocks()
        except ZooError as error:
            return (Paragraph(text=f"{error.message}. {error.hint}", tone="error"),)

    def _read(self) -> RunSnapshot:
        """What the run is now; where its folder cannot be read, what it was, and a message."""
        try:
            with without_waiting():
                alive = is_alive(self._folder)
            events, self._offset = read_events(self._folder, self._offset)
            for event in events:
                self._snapshot = apply(self._snapshot, event)
                self._messages_shown += timestamped(event, self._messages.lines(event, self._snapshot))
            with without_waiting():
                self._judged, self._fault = judge(self._snapshot, self._folder, alive=alive), ""
        except (OSError, ZooError) as error:  # as of a disk of the network, which comes back
            fault = _reason(error)
            if isinstance(error, OSError):
                fault = f"{error.filename or self._folder.path} cannot be read: {fault}"
            if fault != self._fault:
                self._fault = fault
                self._messages_shown.append(plain(fault))
        return self._judged


def _reason(error: OSError | ZooError) -> str:
    return error.message if isinstance(error, ZooError) else error.strerror or str(error)


def _size(folder: RunFolder) -> int:
    try:
        return folder.log_path.stat().st_size
    except OSError:
        return 0


def _tail(folder: RunFolder) -> str:
    """The last lines of the log, safe for a terminal; what a carriage return has overwritten is left out."""
    try:
        with folder.log_path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
            data = file.read()
    except OSError:
        return ""
    lines = (line.rpartition("\r")[2] for line in data.decode(errors="replace").split("\n"))
    return plain("\n".join(lines)).strip("\n")
