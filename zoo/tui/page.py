"""What all screens share: the bar above, the keys below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Footer, Static

from zoo.tui.messages import CatalogChanged, DownloadsChanged, RunsChanged
from zoo.tui.widgets.tab_line import TabLine
from zoo.tui.zoo_screen import ZooScreen

if TYPE_CHECKING:
    from zoo.tui.app import ZooApp


class ActivityIndicator(Widget):
    """What goes on while one is elsewhere: downloads and runs."""

    DEFAULT_CSS = "ActivityIndicator { width: auto; height: 1; background: $panel; }"

    def render(self) -> Content:
        feed = cast("ZooApp", self.app).feed
        parts: list[tuple[str, str]] = []
        if downloads := feed.downloads.active:
            shares = [download.share for download in downloads if download.share is not None]
            share = f" {sum(shares) / len(shares):.0%}" if shares else ""
            parts.append((f"↓ {len(downloads)}{share} ", "$text-accent"))
        if feed.live_runs:
            parts.append((f"● {feed.activity} ", "$text-success"))
        return Content.assemble(*parts)


class TopBar(Horizontal):
    """Where one is, where one can go, and what goes on meanwhile."""

    def compose(self) -> ComposeResult:
        yield Static(" zoo ", id="logo", markup=False)
        yield TabLine(id="places")
        yield ActivityIndicator()

    def show(self) -> None:
        """Bring it up to date."""
        from zoo.tui.app import PLACES

        app = cast("ZooApp", self.app)
        titles = [(place, f"{number} {title}") for number, (place, (title, _, _)) in enumerate(PLACES.items(), start=1)]
        self.query_one(TabLine).show(titles, app.current_mode)
        self.query_one(ActivityIndicator).refresh(layout=True)

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        cast("ZooApp", self.app).action_go(event.key)


class Page(ZooScreen[Any]):
    """A screen of the application."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next field", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous field", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield from self.body()
        yield Footer()

    def body(self) -> ComposeResult:
        """What stands between the bar and the keys."""
        raise NotImplementedError

    def show(self) -> None:
        """Bring what is shown up to date with the feed."""

    @property
    def unsaved(self) -> str:
        """What a person entered and would lose if the screen went away; empty where there is nothing."""
        return ""

    def on_screen_resume(self) -> None:
        self._show_all()

    def on_catalog_changed(self, message: CatalogChanged) -> None:
        self._show_all()

    def on_runs_changed(self, message: RunsChanged) -> None:
        self._show_all()

    def on_downloads_changed(self, message: DownloadsChanged) -> None:
        self._show_all()

    def _show_all(self) -> None:
        if self.stays:
            self.query_one(TopBar).show()
            self.show()
