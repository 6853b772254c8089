"""A line of names, one of them chosen."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class TabLine(Widget):
    """Names side by side; the chosen one stands out, each can be clicked."""

    DEFAULT_CSS = "TabLine { height: 1; width: 1fr; background: $panel; }"

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, line: TabLine, key: str) -> None:
            super().__init__()
            self.line, self.key = line, key

        @property
        def control(self) -> TabLine:
            return self.line

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tabs: tuple[tuple[str, str], ...] = ()
        self._chosen = ""

    def show(self, tabs: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show (key, title) pairs, one of them chosen."""
        if (tuple(tabs), chosen) != (self._tabs, self._chosen):
            self._tabs, self._chosen = tuple(tabs), chosen
            self.refresh()

    def render(self) -> Content:
        return Content.assemble(
            *((f" {title} ", "bold reverse" if key == self._chosen else "$text-muted") for key, title in self._tabs)
        )

    def on_click(self, event: events.Click) -> None:
        start = 0
        for key, title in self._tabs:
            end = start + len(title) + 2
            if start <= event.x < end:
                self.post_message(self.Chosen(self, key))
                return
            start = end
