"""Choosing a model that can answer."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from zoo.card import Card
from zoo.ranking import match_rank, rank
from zoo.tui.app import ZooApp
from zoo.tui.feed import ModelLine
from zoo.tui.table_rows import mark_cell
from zoo.tui.widgets.table import Cell, Column, Table
from zoo.tui.zoo_screen import Dialog


class ChooseModelScreen(Dialog[Card | None]):
    """Choose the model that answers; those on this machine come first, and of these what is recommended."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel"),
        Binding("down", "into_table", "To the list", show=False),
    ]
    DEFAULT_CSS = "ChooseModelScreen { & .dialog { height: 80%; } & Table { height: 1fr; background: $surface; } }"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Input(placeholder="type to filter", compact=True)
            yield Table[ModelLine](
                (
                    Column("name", "MODEL"),
                    Column("mark", "MARK", 13),
                    Column("tasks", "ANSWERS", 20),
                    Column("here", "HERE", 4),
                ),
                cells=_cells,
                key=lambda line: line.card.full_name,
                empty="no model can answer yet",
            )

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        words = self.query_one(Input).value.lower().split()
        lines = [
            line
            for line in cast("ZooApp", self.app).feed.models
            if "predict" in line.card.verbs
            and line.card.weights is not None
            and all(word in line.haystack for word in words)
        ]
        lines.sort(key=lambda line: (match_rank(line.card, words), not line.local, rank(line.card, _task(line))))
        self.query_one(Table).show(lines)

    def on_input_changed(self) -> None:
        self._show()

    def on_input_submitted(self) -> None:
        self._take()

    def on_table_opened(self) -> None:
        self._take()

    def _take(self) -> None:
        line = self.query_one(Table).current
        if line is not None:
            self.dismiss(line.card)

    def action_into_table(self) -> None:
        """Go on in the list."""
        self.query_one(Table).focus()


def _task(line: ModelLine) -> str:
    """What the model answers, first of all."""
    return next(iter(line.card.tasks_of("predict")), "")


def _cells(line: ModelLine) -> list[Cell]:
    return [
        line.card.name,
        mark_cell(line.card, _task(line)),
        ", ".join(line.card.tasks_of("predict")),
        ("yes", "good") if line.local else ("no", "quiet"),
    ]
