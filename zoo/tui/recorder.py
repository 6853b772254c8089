"""What is said to a screen: recorded by a thread, until the same key is pressed again."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.microphone import Level, Recording
from zoo.tui.zoo_screen import ZooScreen
from zoo.units import bar


class Recorder:
    """At most one recording at a time. All is called, and calls back, in the thread of the UI.

    Args:
        screen: wants the recordings, which are there until the application ends.
        on_state: called with what is going on, in words.
        on_change: called when a recording begins or ends.
        on_recorded: called with the file of a recording.
    """

    def __init__(
        self,
        screen: ZooScreen[Any],
        on_state: Callable[[str], None],
        on_change: Callable[[], None],
        on_recorded: Callable[[Path], None],
    ) -> None:
        self._screen, self._on_state, self._on_change, self._on_recorded = screen, on_state, on_change, on_recorded
        self._folder: Path | None = None
        self._count = 0
        self._ends: threading.Event | None = None
        """Set to end the recording that goes on; None while there is none."""

    @property
    def is_recording(self) -> bool:
        """Whether a recording goes on."""
        return self._ends is not None

    def start(self) -> None:
        """Begin a recording; `stop` ends it."""
        if self._ends is not None:
            return
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="zoo-microphone-"))
            atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._count += 1
        path, self._ends = self._folder / f"microphone-{self._count}.wav", threading.Event()
        ends = self._ends
        self._on_state("opening the microphone")
        self._on_change()
        self._screen.run_worker(lambda: self._record(path, ends), thread=True, group="microphone", exit_on_error=False)

    def stop(self) -> None:
        """End the recording, if one goes on."""
        if self._ends is not None:
            self._ends.set()

    def _record(self, path: Path, ends: threading.Event) -> None:
        """In a thread."""
        try:
            with Recording(path) as recording:
                for level in recording.levels():
                    if ends.is_set():
                        break
                    self._screen.later(partial(self._show, level))
                recorded = recording.finish()
        except ZooError as error:
            self._screen.later(partial(self._end, f"{error.message}. {error.hint}"))
        else:
            self._screen.later(partial(self._end, f"{recorded.seconds:.1f} s recorded", path, recorded.remark))

    def _show(self, level: Level) -> None:
        self._on_state(f"recording  {level.seconds:.1f} s  {bar(level.on_meter)}  Ctrl-R ends it")

    def _end(self, state: str, path: Path | None = None, remark: str = "") -> None:
        self._ends = None
        self._on_change()
        self._on_state(state)
        if path is not None:
            self._on_recorded(path)
        if remark:
            self._screen.notify(remark, severity="warning", markup=False)
