"""What a training would do, asked before it starts; a dry run finds out the rest meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from zoo.api.dry_run import dry_run
from zoo.catalog import Catalog
from zoo.errors import ZooError
from zoo.file_cache import FileCache, read_once
from zoo.plan_messages import plan_facts
from zoo.planning import Plan, bytes_to_fetch, plan_of, this_machine
from zoo.planning.estimate import estimated_facts
from zoo.planning.words import cost_facts
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
            catalog, machine = Catalog.load(), this_machine(self._request.device)
            fetch_bytes = bytes_to_fetch(self._request, catalog)
            costs = estimated_facts(self._request, catalog, machine, fetch_bytes)
            with read_once(self._files), dry_run(self._request) as run:
                for snapshot in run.watch():
                    if self._answered.is_set():
                        return
                    if snapshot.plan is not None and snapshot.plan.trial is not None:
                        plan = plan_of(self._request, run.events(), machine, fetch_bytes=fetch_bytes)
                        costs = costs if plan is None else cost_facts(plan) | _warnings(plan)
                    self._show(describe(snapshot, costs))
        except ZooError as error:
            self._show(f"the dry run failed: {error}")
        finally:
            self._cleared.set()

    def _show(self, text: str) -> None:
        self.later(lambda: self.query_one("#measured", Static).update(plain(text)))


def _warnings(plan: Plan) -> dict[str, str]:
    """What will not do, with the first thing that helps."""
    return {
        f"warning {number}": f"{one.what}{''.join(f'; {remedy.command}' for remedy in one.remedies[:1])}"
        for number, one in enumerate(plan.warnings, start=1)
    }


def describe(s: RunSnapshot, costs: Mapping[str, str] = {}) -> str:
    """What a dry run has found out so far.

    Args:
        s: how it stands.
        costs: what the training takes, as far as that is known.
    """
    if s.status in ("failed", "crashed"):
        return f"the dry run failed: {s.error}\n{s.hint}"
    if s.plan is None:
        return _lines({"steps": "finding out: a dry run builds the model", **costs})
    facts = {**plan_facts(s, s.plan), **costs}
    rate = f", at {s.plan.samples_per_s:.3g} rows/s"
    facts["time"] = facts["time"] + rate if facts["time"] else "measuring" if s.live else "shows once it trains"
    return _lines(facts)


def _lines(facts: Mapping[str, str]) -> str:
    return "\n".join(f"{name + ' ':<{PLAN_WIDTH}}{fact}" for name, fact in facts.items() if fact)
