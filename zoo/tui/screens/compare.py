"""Runs beside one another: curves, figures, tests, rows, settings, cost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from zoo import settings
from zoo.api import open_run
from zoo.comparison import Comparison
from zoo.errors import ZooError
from zoo.jobs import Place
from zoo.run_messages import main_figure
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import one_line
from zoo.tui.commands import command_line
from zoo.tui.compare_text import comparison_tabs, overlaid_curves, said_of
from zoo.tui.comparer import Comparer
from zoo.tui.follower import Follower
from zoo.tui.page import Page
from zoo.tui.tones import status_style
from zoo.tui.widgets.overlaid_curves import OverlaidCurves, legend
from zoo.tui.widgets.tab_line import TabLine

WAITING = "reading what the runs have recorded"
ASKING = "letting all answer the rows that they were judged on"


class CompareScreen(Page):
    """Runs beside one another.

    Args:
        names: of runs, two or more.
    """

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back"),
        Binding("tab,right", "next_tab(1)", "Next tab"),
        Binding("shift+tab,left", "next_tab(-1)", "Tab before", show=False),
        Binding("g", "other_curves", "Other curves"),
        Binding("c", "copy_compare", "Copy the command"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = tuple(names)
        self._snapshots: dict[str, RunSnapshot] = {}
        self._followers: list[Follower] = []
        self._comparer = Comparer(
            names, Place(device=settings.value("device"), precision=settings.value("precision")), self
        )
        self.comparison: Comparison | None = None
        """What is known so far."""
        self._tab = ""

    def body(self) -> ComposeResult:
        yield Static(f"compare {', '.join(map(one_line, self._names))}", id="title", markup=False)
        yield Static("", id="legend", markup=False)
        yield Static(WAITING, id="said", markup=False)
        yield OverlaidCurves(id="curves")
        yield TabLine(id="tabs")
        with VerticalScroll(id="below", can_focus=False):
            yield Static("", id="text", markup=False)

    def on_mount(self) -> None:
        try:
            folders = [open_run(name).folder for name in self._names]
        except ZooError as error:
            self.zoo.show_error(error)
            self.call_later(self.dismiss)
            return
        self._comparer.start()
        self._followers = [Follower(folder, partial(self._on_change, folder.name)) for folder in folders]
        for follower in self._followers:
            follower.start()

    def on_unmount(self) -> None:
        self._comparer.stop()
        for follower in self._followers:
            follower.stop()

    def _on_change(self, name: str, snapshot: RunSnapshot, *_: object) -> None:
        """In the thread of a follower."""
        self.later(lambda: self._show_snapshot(name, snapshot))

    def on_comparison(self, comparison: Comparison) -> None:
        """In the thread of the comparer."""
        self.later(lambda: self._show_comparison(comparison))

    def on_progress(self, text: str) -> None:
        """Likewise."""
        self.later(lambda: self._say(f"{ASKING}: {one_line(text)}"))

    def on_error(self, error: ZooError) -> None:
        """Likewise."""
        self.later(lambda: self._say(one_line(f"{error.message}. {error.hint}" if error.hint else error.message)))

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(text)

    def _show_snapshot(self, name: str, snapshot: RunSnapshot) -> None:
        before = self._snapshots.get(name)
        self._snapshots[name] = snapshot
        if len(self._snapshots) == len(self._names) and (before is None or _is_news(before, snapshot)):
            self._comparer.renew()
        snapshots = [self._snapshots.get(one, RunSnapshot()) for one in self._names]
        notes = [_standing(one) for one in snapshots]
        self.query_one("#legend", Static).update(legend(self._names, notes, self.size.width))
        drawings = overlaid_curves(snapshots)
        self.set_class(not drawings, "-bare")
        self.query_one(OverlaidCurves).show(drawings)
        self.refresh_bindings()

    def _show_comparison(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self._say(said_of(comparison) or ASKING)
        self._show_tab()

    def _show_tab(self) -> None:
        if self.comparison is None:
            return
        tabs = comparison_tabs(self.comparison, self.size.width - 4)
        if self._tab not in tabs:
            self._tab = next(iter(tabs))
        self.query_one("#tabs", TabLine).show([(tab, tab) for tab in tabs], self._tab)
        self.query_one("#text", Static).update(tabs[self._tab])

    def on_resize(self) -> None:
        self._show_tab()

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        self.choose_tab(event.key)

    def choose_tab(self, tab: str) -> None:
        """Show one of the tabs."""
        self._tab = tab
        self.query_one("#below").scroll_home(animate=False)
        self._show_tab()

    def action_next_tab(self, by: int) -> None:
        """Show the next tab."""
        if self.comparison is not None:
            tabs = list(comparison_tabs(self.comparison, self.size.width - 4))
            self.choose_tab(tabs[(tabs.index(self._tab) + by) % len(tabs)])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "other_curves":
            return any(curves.hides for curves in self.query(OverlaidCurves))
        return super().check_action(action, parameters)

    def action_other_curves(self) -> None:
        """Draw what had no room."""
        self.query_one(OverlaidCurves).show_next()

    def action_copy_compare(self) -> None:
        """Copy what one would type for the same."""
        self.zoo.copy(command_line("compare", *self._names))

    def action_scroll(self, by: int) -> None:
        """Move through what stands below."""
        self.query_one("#below").scroll_relative(y=by, animate=False)


def _is_news(before: RunSnapshot, now: RunSnapshot) -> bool:
    """Whether more is known of a run than of its steps."""
    return (before.status, len(before.evaluations), before.metrics) != (now.status, len(now.evaluations), now.metrics)


def _standing(s: RunSnapshot) -> tuple[str, str]:
    """How a run stands, and its newest main figure."""
    figure = main_figure(s.latest_metrics, (source.name for source in s.sources))
    return (f"{s.status}{f', {figure}' if figure else ''}", status_style(s.status) or "$text-muted")
