"""What the keys do, on the screen one comes from."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from zoo.tui.zoo_screen import Dialog

_OF_EVERY_WIDGET = ("scroll_", "page_", "screen.copy_text", "app.maximize", "screen.minimize")
"""Actions that no screen of ours needs to name."""


class HelpScreen(Dialog[None]):
    """The keys that work on a screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "close", "Close")]

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        bindings = [
            active
            for active in about.active_bindings.values()
            if active.enabled and active.binding.description and not active.binding.action.startswith(_OF_EVERY_WIDGET)
        ]
        # What the screen itself does stands first, then the application, then moving about.
        bindings.sort(key=lambda active: (active.node is not about, not isinstance(active.node, App)))
        self._keys = [(self.key_name(active.binding), active.binding.description) for active in bindings]
        self._title = (type(about).__doc__ or "").partition("\n")[0]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(self._title, classes="title", markup=False)
            yield Static(self._table())
            yield Static("\nEverything can be clicked, too. Escape closes this.", classes="note")

    def key_name(self, binding: Binding) -> str:
        """A key as it stands on the keyboard."""
        names = {"question_mark": "?", "slash": "/", "escape": "Esc"}
        return binding.key_display or names.get(binding.key, binding.key.replace("ctrl+", "Ctrl-"))

    def _table(self) -> Content:
        lines: dict[str, list[str]] = {}
        for key, description in self._keys:
            lines.setdefault(description, []).append(key)
        parts = [
            Content.assemble((f"{', '.join(keys):>16}  ", "bold $primary"), description, "\n")
            for description, keys in lines.items()
        ]
        return Content.assemble(*parts)
