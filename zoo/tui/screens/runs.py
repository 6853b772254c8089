"""All runs, those that go on and those that have ended."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from zoo.rendering.overlaid import MARKERS
from zoo.runs.index import RunSummary, surplus_predictions
from zoo.tui.run_page import RunPage
from zoo.tui.table_rows import run_cells
from zoo.tui.widgets.table import Column, Table

COLUMNS = (
    Column("name", "RUN"),
    Column("verb", "VERB", 8, dispensable=2),
    Column("model", "MODEL", 18, dispensable=3),
    Column("status", "STATUS", 13),
    Column("step", "STEP", 11, right=True, dispensable=4),
    Column("metric", "METRIC", 15, dispensable=1),
    Column("age", "AGE", 4, right=True),
)


class RunsScreen(RunPage):
    """All runs, newest first."""

    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("space", "mark", "Mark", show=False, key_display="Space"),
        Binding("v", "compare", "Compare"),
        Binding("enter", "open", "Watch", show=False),
        Binding("escape", "clear", "Show all", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._marked: dict[str, None] = {}

    def body(self) -> ComposeResult:
        with Horizontal(id="bar"):
            yield Input(placeholder="/ type to filter", compact=True, id="filter")
            yield Static("", id="shown", markup=False)
        yield Table[RunSummary](COLUMNS, cells=run_cells, key=lambda run: run.name, id="runs", empty="looking for runs")

    def on_mount(self) -> None:
        self._table.focus()

    @property
    def _table(self) -> Table[RunSummary]:
        return self.query_one("#runs", Table)

    @property
    def run_name(self) -> str:
        """The run under the cursor."""
        run = self._table.current
        return run.name if run is not None else ""

    def show(self) -> None:
        """Filter and show what the feed knows."""
        feed = self.zoo.feed
        words = self.query_one("#filter", Input).value.lower().split()
        surplus = set() if words else surplus_predictions((run.name, run.verb, run.status) for run in feed.runs)
        runs = [
            run
            for run in feed.runs
            if run.name not in surplus
            and all(word in f"{run.name} {run.verb} {run.model} {run.status}".lower() for word in words)
        ]
        if feed.runs_loaded:
            empty = "no run matches; Esc shows all" if feed.runs else "no runs yet: press 1, choose a model, press f"
            self._table.empty = empty
        names = {run.name for run in feed.runs}
        self._marked = {name: None for name in self._marked if name in names}
        self._table.marked = tuple(self._marked)
        self._table.show(runs)
        hidden = "; / predict shows older predictions" if surplus else ""
        marked = f"; {len(self._marked)} marked" if self._marked else hidden
        more = "" if feed.runs_complete or not feed.runs_loaded else ", reading older ones"
        self.query_one("#shown", Static).update(f"{len(runs):,} of {len(feed.runs):,}{more}, {feed.activity}{marked}")

    def on_input_changed(self, event: Input.Changed) -> None:
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._table.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        if self.run_name:
            self.zoo.open_run(self.run_name)

    def action_filter(self) -> None:
        """Type what the run has to have."""
        self.query_one("#filter", Input).focus()

    def action_clear(self) -> None:
        """Show all runs again; where all are shown, take the marks away."""
        words = self.query_one("#filter", Input)
        if not words.value:
            self._marked = {}
            self.show()
        words.value = ""
        self._table.focus()

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away, and go to the next."""
        if not self.run_name:
            return
        if self.run_name in self._marked:
            del self._marked[self.run_name]
        else:
            self._marked[self.run_name] = None
        self.show()
        self._table.action_move(1)

    def action_compare(self) -> None:
        """Hold the marked runs against one another; where one is marked, that and the one under the cursor."""
        names = list(self._marked)
        if len(names) == 1 and self.run_name and self.run_name not in names:
            names.append(self.run_name)
        if len(names) < 2:
            self.notify("mark two or more runs with Space; v compares them")
        elif len(names) > len(MARKERS):
            words = f"{len(names)} runs are marked, and {len(MARKERS)} have room here: zoo compare takes any number"
            self.notify(words, severity="warning")
        else:
            from zoo.tui.screens.compare import CompareScreen

            self.zoo.show_page(CompareScreen(names))
