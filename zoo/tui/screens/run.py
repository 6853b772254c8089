"""One run: how it goes, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from zoo.api import open_run
from zoo.errors import ZooError
from zoo.kinds import TargetKind
from zoo.run_messages import answered_rows, divided_rows, final_figures, main_figure, spent, status_line
from zoo.runs.index import RunSummary
from zoo.runs.mistakes import Mistake
from zoo.runs.overview import candidate_table, source_table
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import EMPTY, RunSnapshot
from zoo.sanitize import one_line
from zoo.tasks import get_task
from zoo.tui.follower import NOTHING, Follower, Outcome
from zoo.tui.path_text import short_path
from zoo.tui.run_page import RunPage
from zoo.tui.run_text import (
    drawn_pictures,
    evaluation_table,
    mistake_list,
    report_tabs,
    samples_text,
    shown_pictures_text,
)
from zoo.tui.tones import status_style
from zoo.tui.widgets.blocks import draw
from zoo.tui.widgets.gallery import Gallery
from zoo.tui.widgets.run_curves import RunCurves
from zoo.tui.widgets.tab_line import TabLine
from zoo.units import count, duration, size

PICTURES = "pictures"
REPORT = "report/"
"""How the keys of tabs begin that are named by the titles of a report's blocks."""
MISTAKES = "mistakes/"
"""Likewise, by the names of sources; empty for a run with one."""
OUTCOME = "outcome/"
"""Likewise, by what came of the run beside its report."""
Tabs = dict[str, tuple[str, Callable[[], str | Content]]]
"""Title and content of each tab, by its key."""
ENDINGS = ("events", "log")
"""Tabs whose newest lines stand last."""


class RunScreen(RunPage):
    """One run: its curves, its log, its result."""

    CSS_PATH = "run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back"),
        Binding("w", "show_mistakes", "Wrong rows"),
        Binding("tab,right", "next_tab(1)", "Next tab"),
        Binding("shift+tab,left", "next_tab(-1)", "Tab before", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._run_name = name
        self._request: RunRequest | None = None
        self._snapshot = EMPTY
        self._log_text = ""
        self._outcome = NOTHING
        self._events_text = ""
        self._tab = "events"
        self._tab_chosen = False
        self._follower: Follower | None = None

    @property
    def run_name(self) -> str:
        """The run that is shown."""
        return self._run_name

    @property
    def run_summary(self) -> RunSummary | None:
        """As this screen knows it: it follows the run more closely than the list does."""
        summary = super().run_summary
        s = self._snapshot
        return summary and msgspec.structs.replace(summary, status=s.status, place=s.place, behind=s.behind)

    def body(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield Static("", id="progress", markup=False)
        yield Static("", id="facts", markup=False)
        yield RunCurves(id="curves")
        yield TabLine(id="tabs")
        with VerticalScroll(id="below", can_focus=False):
            yield Static("", id="text", markup=False)
            yield Gallery(id="pictures")

    def on_mount(self) -> None:
        self._open()

    def on_unmount(self) -> None:
        if self._follower is not None:
            self._follower.stop()

    def _open(self) -> None:
        try:
            folder = open_run(self._run_name).folder
            self._request = folder.request
        except ZooError as error:
            self.zoo.show_error(error)
            self.call_later(self.dismiss)
            return
        self._follower = Follower(folder, self._on_change)
        self._follower.start()

    def renamed(self, name: str) -> None:
        """Go on under the new name once it holds."""
        if self._follower is not None:
            self._follower.stop()
        self.dismiss()

    def _on_change(self, snapshot: RunSnapshot, events: str, log: str, outcome: Outcome) -> None:
        """In the follower's thread."""
        self.later(lambda: self._show_snapshot(snapshot, events, log, outcome))

    def _show_snapshot(self, snapshot: RunSnapshot, events: str, log: str, outcome: Outcome) -> None:
        if self._request is None:
            return
        ended = self._snapshot.live and not snapshot.live
        self._snapshot, self._events_text, self._log_text, self._outcome = snapshot, events, log, outcome
        self.refresh_bindings()
        if not self._tab_chosen and not snapshot.live:
            self._tab = self._tab_of_result()
        request = self._request
        self.query_one("#title", Static).update(self._title_text(request, snapshot))
        self.query_one("#progress", Static).update(self._progress_text(request, snapshot))
        self.query_one("#facts", Static).update(self._facts_text(request, snapshot))
        self._draw_curves(snapshot)
        self._show_tab(to_end=ended or self._tab in ENDINGS)

    def _tab_of_result(self) -> str:
        """The tab that says most of a run that has ended."""
        s = self._snapshot
        if self._outcome.tabs:
            return OUTCOME + next(iter(self._outcome.tabs))
        if not (s.metrics and s.report):
            return self._tab
        return "sources" if s.sources else next(tab for tab in self._tabs() if tab.startswith(REPORT))

    def _title_text(self, request: RunRequest, s: RunSnapshot) -> Content:
        return Content.assemble(
            one_line(self._run_name),
            (f"  {request.verb} {one_line(request.subject)}  ", "$text-muted"),
            (s.status, status_style(s.status)),
        )

    def _progress_text(self, request: RunRequest, s: RunSnapshot) -> str:
        if s.pending:
            return status_line(s) + ("; r starts it beside" if s.place is not None else "")
        took = duration(s.ended_at - s.started_at) if s.ended_at and s.started_at else ""
        match s.status:
            case "finished":
                if request.verb == "predict":
                    return f"{answered_rows(s)} in {short_path(request.out)}  in {took}"
                best = f"  best at step {s.chosen_step:,}" if s.chosen_step else ""
                figures = main_figure(s.metrics, (source.name for source in s.sources)) if s.sources else ""
                return f"{figures or final_figures(s.metrics, s.intervals)}{best}  in {took}"
            case "cancelled":
                return f"stopped at step {s.step:,}; r goes on with it"
            case "created":
                return "waiting for its worker"
            case _:
                return one_line(f"{s.error}. {s.hint}" if s.hint else s.error)

    def _facts_text(self, request: RunRequest, s: RunSnapshot) -> str:
        paths = [f"{source.name} {short_path(source.data.path)}" for source in request.sources]
        facts = [f"{request.device}, {request.precision}", ", ".join(paths) or short_path(request.data_place)]
        if s.train_rows or s.eval_rows:
            facts.append(divided_rows(s.train_rows, s.eval_rows))
        if s.rejected_rows:
            facts.append(f"{s.rejected_rows:,} set aside")
        if s.plan and s.plan.parameters:
            facts.append(f"{count(s.plan.trainable_parameters)} of {count(s.plan.parameters)} parameters")
        if s.epsilon is not None:
            facts.append(f"eps {spent(s)} spent")
        if s.memory_bytes:
            facts.append(f"{size(s.memory_bytes)} of memory")
        if s.prepared:
            facts.append(f"{size(s.prepared.memory_bytes + s.prepared.disk_bytes)} of images kept")
        if s.checkpoint_step is not None:
            facts.append(f"checkpoint at step {s.checkpoint_step:,}")
        if waiting := [run.name for run in self.zoo.feed.runs if run.waiting and run.after == self._run_name]:
            facts.append(f"then {', '.join(waiting)}")
        return "  ·  ".join(facts)

    def _draw_curves(self, s: RunSnapshot) -> None:
        self.set_class(not s.loss_curve and not any(one.step for one in s.evaluations), "-bare")
        self.query_one(RunCurves).show(s)

    def _mistake_tabs(self, width: int) -> Tabs:
        """A list of those of each source; or why an answer of a stranger's task cannot be shown."""
        tabs: Tabs = {}
        if self._request is None:
            return tabs
        tasks = {"": self._request.task} | {source.name: source.task for source in self._request.sources}
        for source, mistakes in self._outcome.mistakes.items():
            if target := get_task(tasks[source]).target:
                title = f"{source}: Mistakes" if source else "Mistakes"
                tabs[MISTAKES + source] = (title, partial(self._mistakes_text, source, mistakes, width, target))
        return tabs

    def _mistakes_text(self, source: str, mistakes: Sequence[Mistake], width: int, target: TargetKind) -> str:
        s = next((one for one in self._snapshot.sources if one.name == source), self._snapshot)
        try:
            wrong_rows = None if source else self._snapshot.wrong_rows
            return mistake_list(mistakes, width, target, labels=s.labels, wrong_rows=wrong_rows)
        except ZooError as error:
            return f"{error.message}. {error.hint}"

    def _tabs(self) -> Tabs:
        """Title and content of each tab that has something to show, by its key."""
        s, width = self._snapshot, self.size.width - 4
        tabs: Tabs = {"events": ("Events", lambda: self._events_text or "nothing has happened yet")}
        if self._log_text:
            tabs["log"] = ("Log", lambda: self._log_text)
        if s.sources:
            tabs["sources"] = ("Sources", partial(draw, [source_table(s)], width))
        if s.candidates:
            table = candidate_table(s.candidates)
            tabs["candidates"] = (table.title, partial(draw, [table], width))
        if s.evaluations:
            tabs["evaluations"] = ("Evaluations", lambda: evaluation_table(s))
        if s.pictures:
            tabs[PICTURES] = ("Pictures", lambda: shown_pictures_text(s))
        if samples := samples_text(s):
            tabs["samples"] = ("Samples", lambda: samples)
        for title, report in self._outcome.tabs.items():
            tabs[OUTCOME + title] = (title, partial(draw, report, width))
        for title, blocks in report_tabs(s.report).items():
            tabs[REPORT + title] = (title, partial(draw, blocks, width))
        tabs |= self._mistake_tabs(width)
        if s.notes:
            tabs["notes"] = ("Notes", lambda: "\n".join(map(one_line, s.notes)))
        if s.warnings:
            tabs["warnings"] = ("Warnings", lambda: "\n".join(map(one_line, s.warnings)))
        return tabs

    def _show_tab(self, *, to_end: bool = False) -> None:
        tabs = self._tabs()
        if self._tab not in tabs:
            self._tab = next(iter(tabs))
        self.query_one("#tabs", TabLine).show([(tab, title) for tab, (title, _) in tabs.items()], self._tab)
        _, content = tabs[self._tab]
        self.query_one("#text", Static).update(content())
        self.query_one(Gallery).show(drawn_pictures(self._snapshot.pictures) if self._tab == PICTURES else ())
        if to_end and self._tab in ENDINGS:
            self.query_one("#below").scroll_end(animate=False)

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        self.choose_tab(event.key)

    def choose_tab(self, tab: str) -> None:
        """Show one of the tabs."""
        self._tab, self._tab_chosen = tab, True
        self.query_one("#below").scroll_home(animate=False)
        self._show_tab()

    def action_next_tab(self, by: int) -> None:
        """Show the next tab."""
        tabs = list(self._tabs())
        self.choose_tab(tabs[(tabs.index(self._tab) + by) % len(tabs)])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._outcome.mistakes) if action == "show_mistakes" else super().check_action(action, parameters)

    def action_show_mistakes(self) -> None:
        """Show the rows that were answered wrongly."""
        self.choose_tab(MISTAKES + next(iter(self._outcome.mistakes)))

    def action_scroll(self, by: int) -> None:
        """Move through what stands below."""
        self.query_one("#below").scroll_relative(y=by, animate=False)
