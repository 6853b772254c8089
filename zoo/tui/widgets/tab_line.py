"""A line of names, one of them chosen."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

BEFORE = "<"
"""Where names stand before those that are seen."""


class TabLine(Widget):
    """Names side by side; the chosen one stands out, each can be clicked.

    Where there is no room for all, it begins with a later one, so that the chosen one is seen.
    """

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
        before = [(BEFORE, "$text-muted")] if self._shown != self._tabs else []
        names = [(f" {title} ", "bold reverse" if key == self._chosen else "$text-muted") for key, title in self._shown]
        return Content.assemble(*before, *names)

    @property
    def _shown(self) -> tuple[tuple[str, str], ...]:
        """From the first that leaves room for the chosen one."""
        place = next((i for i, (key, _) in enumerate(self._tabs) if key == self._chosen), 0)
        first, room = 0, self.size.width
        while first < place and sum(len(title) + 2 for _, title in self._tabs[first : place + 1]) > room:
            first, room = first + 1, self.size.width - len(BEFORE)
        return self._tabs[first:]

    def on_click(self, event: events.Click) -> None:
        start = 0 if self._shown == self._tabs else len(BEFORE)
        for key, title in self._shown:
            end = start + len(title) + 2
            if start <= event.x < end:
                self.post_message(self.Chosen(self, key))
                return
            start = end
