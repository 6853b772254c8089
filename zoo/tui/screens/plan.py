"""What a training would do, asked before it starts; a dry run finds out the rest meanwhile."""

from __future__ import annotations

import threading
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from zoo.dry_run import dry_run
from zoo.errors import ZooError
from zoo.file_cache import FileCache, read_once
from zoo.plan_messages import plan_facts
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import plain
from zoo.tui.screens.confirm import ConfirmScreen

PLAN_WIDTH = 15
"""Of the names of what is planned."""
CLEAR_UP_S = 10.0
"""How long a start waits for its dry run to be gone; later it would only be numbered differently."""


class PlanScreen(ConfirmScreen):
    """Asks whether to start.

    Args:
        question: what is asked.
        text: what is known already.
        request: of the training.
        files: of its data, as far as they were read.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "answer(True)", "Start", show=False)]

    def __init__(self, question: str, text: str, request: RunRequest, files: FileCache) -> None:
        super().__init__(question, text, "Start")
        # Its own name stays free for the training itself.
        self._request = msgspec.structs.replace(request, dry_run=True, name="")
        self._files = files
        self._answered = threading.Event()
        self._cleared = threading.Event()

    def details(self) -> ComposeResult:
        yield Static(describe(RunSnapshot()), id="measured", markup=False)

    def on_mount(self) -> None:
        self.run_worker(self._measure, thread=True, exit_on_error=False)

    def on_unmount(self) -> None:
        self._answered.set()

    def clear_up(self) -> None:
        self._cleared.wait(CLEAR_UP_S)

    def _measure(self) -> None:
        """In a thread, until the question is answered."""
        try:
            with read_once(self._files), dry_run(self._request) as run:
                for snapshot in run.watch():
                    if self._answered.is_set():
                        return
                    self._show(describe(snapshot))
        except ZooError as error:
            self._show(f"the dry run failed: {error}")
        finally:
            self._cleared.set()

    def _show(self, text: str) -> None:
        self.later(lambda: self.query_one("#measured", Static).update(plain(text)))


def describe(s: RunSnapshot) -> str:
    """What a dry run has found out so far."""
    if s.status in ("failed", "crashed"):
        return f"the dry run failed: {s.error}\n{s.hint}"
    if s.plan is None:
        return f"{'steps':<{PLAN_WIDTH}}finding out: a dry run builds the model"
    facts = plan_facts(s, s.plan)
    rate = f", at {s.plan.samples_per_s:.3g} rows/s"
    facts["time"] = facts["time"] + rate if facts["time"] else "measuring" if s.live else "shows once it trains"
    return "\n".join(f"{name + ' ':<{PLAN_WIDTH}}{fact}" for name, fact in facts.items() if fact)
