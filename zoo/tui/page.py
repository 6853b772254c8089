"""What all screens share: the bar above, the keys below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from zoo.tui.messages import CatalogChanged, DownloadsChanged, RunsChanged

if TYPE_CHECKING:
    from zoo.tui.app import ZooApp


class TopBar(Widget):
    """Where one is, where one can go, and what goes on meanwhile."""

    def render(self) -> Content:
        from zoo.tui.app import PLACES

        app = cast("ZooApp", self.app)
        parts: list[Content | tuple[str, str] | str] = [(" zoo ", "bold reverse"), " "]
        for number, (place, (title, _, _)) in enumerate(PLACES.items(), start=1):
            style = "bold $primary" if place == app.current_mode else "$text-muted"
            parts.append(Content.styled(f" {number} {title} ", f"{style} @click=app.go('{place}')"))
        left = Content.assemble(*parts)
        right = self._meanwhile(app)
        space = max(1, self.size.width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * space, right)

    def _meanwhile(self, app: ZooApp) -> Content:
        parts: list[tuple[str, str]] = []
        if downloads := app.feed.downloads.active:
            shares = [download.share for download in downloads if download.share is not None]
            share = f" {sum(shares) / len(shares):.0%}" if shares else ""
            parts.append((f"↓ {len(downloads)}{share} ", "$text-accent"))
        if live := app.feed.live_runs:
            parts.append((f"● {len(live)} running ", "$text-success"))
        return Content.assemble(*parts)


class Page(Screen[Any]):
    """A screen of the application."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next field", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous field", show=False),
    ]

    @property
    def zoo(self) -> ZooApp:
        """The application, by its own type."""
        return cast("ZooApp", self.app)

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield from self.body()
        yield Footer()

    def body(self) -> ComposeResult:
        """What stands between the bar and the keys."""
        raise NotImplementedError

    def show(self) -> None:
        """Bring what is shown up to date with the feed."""

    def on_screen_resume(self) -> None:
        self._show_all()

    def on_catalog_changed(self, message: CatalogChanged) -> None:
        self._show_all()

    def on_runs_changed(self, message: RunsChanged) -> None:
        self._show_all()

    def on_downloads_changed(self, message: DownloadsChanged) -> None:
        self._show_all()

    def _show_all(self) -> None:
        self.query_one(TopBar).refresh()
        self.show()
