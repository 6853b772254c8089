"""One model, whole."""

from __future__ import annotations

from typing import ClassVar

import psutil
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static

from zoo.card import FolderSource
from zoo.sanitize import plain
from zoo.tui.card_text import card_markdown
from zoo.tui.feed import ModelLine, ModelRow
from zoo.tui.zoo_screen import Dialog

README_CHARS = 100_000


class CardScreen(Dialog[None]):
    """One model, whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, line: ModelRow) -> None:
        super().__init__()
        self._line = line

    def compose(self) -> ComposeResult:
        from rich.markdown import Markdown

        text = card_markdown(self._line, psutil.virtual_memory().available) + self._readme()
        with VerticalScroll(classes="dialog"):
            yield Static(Markdown(text, hyperlinks=False))
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _readme(self) -> str:
        """What a run wrote of its result."""
        from pathlib import Path

        weights = self._line.card.weights if isinstance(self._line, ModelLine) else None
        for source in weights.sources if weights is not None else ():
            if isinstance(source, FolderSource) and (path := Path(source.path) / "README.md").is_file():
                return "\n\n---\n\n" + plain(path.read_text(encoding="utf-8", errors="replace")[:README_CHARS])
        return ""

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
