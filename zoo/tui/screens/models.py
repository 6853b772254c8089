"""All models: find one, look at it, do something with it."""

from __future__ import annotations

from typing import ClassVar

import psutil
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.widgets import Input, Static

from zoo.card import Card, Verb
from zoo.ranking import FROM_SCRATCH, order_key, rank
from zoo.sanitize import one_line
from zoo.tasks import get_task
from zoo.tui.card_text import card_markdown
from zoo.tui.commands import command_line
from zoo.tui.download_text import download_lines
from zoo.tui.feed import ModelLine
from zoo.tui.page import Page
from zoo.tui.table_rows import model_cells
from zoo.tui.widgets.table import Column, Table

COLUMNS = (
    Column("name", "MODEL"),
    Column("mark", "MARK", 13, dispensable=1),
    Column("tasks", "TASKS (* recommended)", 21, dispensable=2),
    Column("parameters", "PARAMS", 7, right=True, dispensable=4),
    Column("size", "SIZE", 8, right=True, dispensable=3),
    Column("here", "HERE", 7),
    Column("runs", "RUNS", 4, right=True, dispensable=6),
    Column("used", "USED", 6, right=True, dispensable=5),
    Column("plugin", "PLUGIN", 8, dispensable=7),
)
SORTS = ("", "name", "tasks", "parameters", "size", "here", "used")
"""What S goes through; empty is the order of the catalog."""
DETAIL_S = 0.08
"""The card is drawn once the cursor rests so long."""


class ModelsScreen(Page):
    """All models, those of plugins and your own."""

    CSS_PATH = "models.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("d", "download", "Download"),
        Binding("f", "train('finetune')", "Fine-tune"),
        Binding("p", "predict", "Predict"),
        Binding("n", "train('pretrain')", "Pretrain", show=False),
        Binding("e", "evaluate", "Evaluate", show=False),
        Binding("t", "next_task", "Task", show=False),
        Binding("s", "next_sort", "Sort", show=False),
        Binding("c", "copy_command", "Copy the command", show=False),
        Binding("x,delete", "delete", "Delete", show=False),
        Binding("escape", "clear", "Show all", show=False),
        Binding("ctrl+r", "reload", "Reload", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._task_shown = ""
        self._sort, self._descending = "", False

    def body(self) -> ComposeResult:
        with Horizontal(id="bar"):
            yield Input(placeholder="/ type to filter", compact=True, id="filter")
            yield Static("", id="shown", markup=False)
        with Container(id="halves"):
            yield Table[ModelLine](
                COLUMNS,
                cells=self._cells,
                key=lambda line: line.card.full_name,
                id="models",
                empty="asking the plugins",
            )
            with VerticalScroll(id="side", can_focus=False):
                yield Static("", id="download", markup=False)
                yield Static("", id="card", markup=False)

    def on_mount(self) -> None:
        self._table.focus()
        self._detail = self.set_timer(DETAIL_S, self._show_detail, pause=True)

    @property
    def _table(self) -> Table[ModelLine]:
        return self.query_one("#models", Table)

    @property
    def _current(self) -> Card | None:
        line = self._table.current
        return line.card if line is not None else None

    def _cells(self, line: ModelLine) -> list[str | tuple[str, str]]:
        return model_cells(line, self.zoo.feed.downloads.of(line.card), self._task_shown)

    def show(self) -> None:
        """Filter, sort and show what the feed knows."""
        feed = self.zoo.feed
        words = self.query_one("#filter", Input).value.lower().split()
        lines = [
            line
            for line in feed.models
            if (not self._task_shown or self._task_shown in line.card.tasks)
            and all(word in line.haystack for word in words)
            and (words or not line.card.superseded_by)
        ]
        if self._sort:
            lines.sort(key=lambda line: _sort_key(line, self._sort), reverse=self._descending)
        elif words or self._task_shown:  # otherwise they are in order
            lines.sort(key=lambda line: order_key(line.card, words, self._task_shown))
        table = self._table
        table.sorted_by, table.descending = self._sort, self._descending
        if feed.models_loaded:
            broken = "; some plugins are broken, see 4 Plugins" if feed.failures else ""
            nothing = "no model matches; Esc shows all" if feed.models else "no plugin has a model; see 4 Plugins"
            table.empty = nothing + (broken if feed.models else "")
        table.show(lines)
        task = f"  task: {self._task_shown}" if self._task_shown else ""
        self.query_one("#shown", Static).update(f"{len(lines):,} of {len(feed.models):,}{task}")

    def on_input_changed(self, event: Input.Changed) -> None:
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._table.focus()

    def on_table_moved(self, event: Table.Moved) -> None:
        self._detail.stop()
        self._detail = self.set_timer(DETAIL_S, self._show_detail)

    def on_table_opened(self, event: Table.Opened) -> None:
        if (line := self._table.current) is not None:
            from zoo.tui.screens.card import CardScreen

            self.app.push_screen(CardScreen(line))

    def on_table_header_clicked(self, event: Table.HeaderClicked) -> None:
        self._sort_by(event.column.key)

    def _show_detail(self) -> None:
        from rich.markdown import Markdown

        line = self._table.current
        side, progress = self.query_one("#card", Static), self.query_one("#download", Static)
        if line is None:
            side.update("")
            progress.update("")
            return
        download = self.zoo.feed.downloads.of(line.card)
        visible = download is not None and download.state != "done"
        progress.update("\n".join(download_lines(download)) if visible and download is not None else "")
        progress.display = visible
        side.update(Markdown(card_markdown(line, psutil.virtual_memory().available), hyperlinks=False))

    def action_filter(self) -> None:
        """Type what the model has to have."""
        self.query_one("#filter", Input).focus()

    def action_clear(self) -> None:
        """Show all models again."""
        self.query_one("#filter", Input).value = ""
        self._task_shown = ""
        self._table.focus()
        self.show()

    def action_next_task(self) -> None:
        """Show the models of one task after the other."""
        tasks = ["", *sorted({task for line in self.zoo.feed.models for task in line.card.tasks})]
        self._task_shown = tasks[(tasks.index(self._task_shown) + 1) % len(tasks)] if self._task_shown in tasks else ""
        self.show()

    def action_next_sort(self) -> None:
        """Sort by one column after the other."""
        self._sort_by(SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)] if self._sort in SORTS else "")

    def _sort_by(self, key: str) -> None:
        self._descending = not self._descending if key == self._sort and key else key in ("parameters", "size", "used")
        self._sort = key
        self.show()

    def action_reload(self) -> None:
        """Ask the plugins anew."""
        self.zoo.feed.reload_models(anew=True)

    def action_download(self) -> None:
        """Download the weights; stop a download that goes on."""
        card = self._current
        if card is None:
            return
        downloads = self.zoo.feed.downloads
        download = downloads.of(card)
        if card.weights is None:
            self.notify(f"{card.name} has no weights: it starts {FROM_SCRATCH}", markup=False)
        elif download is not None and download.active:
            download.stop()
        elif (line := self._table.current) is not None and line.local:
            self.notify(f"{card.name} is on this machine already", markup=False)
        else:
            downloads.start(card)
        self._show_all()

    def action_train(self, verb: Verb) -> None:
        """Fill in the form of a training."""
        card = self._current
        if card is None:
            return
        if verb not in card.verbs:
            self.notify(f"{card.name} cannot {verb}", severity="warning", markup=False)
            return
        self.zoo.train(card, verb)

    def action_predict(self) -> None:
        """Let the model answer."""
        card = self._current
        if card is None:
            return
        if "predict" not in card.verbs or card.weights is None:
            self.notify(f"{card.name} has learnt nothing yet; {card.training_advice}", severity="warning", markup=False)
            return
        self.zoo.predict_with(card.full_name)

    def action_evaluate(self) -> None:
        """Judge the model on labelled data."""
        card = self._current
        if card is None:
            return
        if card.weights is None or not any(get_task(task).judged for task in card.tasks_of("predict")):
            self.notify(
                f"no data can tell how good {card.name} is: fine-tune it first", severity="warning", markup=False
            )
            return
        from zoo.tui.screens.evaluate import EvaluateScreen

        self.zoo.show_page(EvaluateScreen(card))

    def action_copy_command(self) -> None:
        """Copy what one would type for this model."""
        card = self._current
        if card is None:
            return
        verb = "predict" if card.weights is not None and "predict" in card.verbs else "show"
        self.zoo.copy(command_line(verb, card.name))

    def action_delete(self) -> None:
        """Delete a model of your own, or the weights of one that can be fetched again."""
        from zoo.tui.deleting import delete_run, delete_weights

        card = self._current
        if card is None:
            return
        run = next((run for run in self.zoo.feed.runs if run.name == card.name), None)
        line = self._table.current
        if run is None and line is not None and line.local and card.weights is not None:
            delete_weights(self.zoo, card)
            return
        if run is None:
            self.notify(
                f"{one_line(card.name)} comes with plugin {card.plugin}; only your own models can be deleted here"
            )
            return
        delete_run(self.zoo, run.name)


def _sort_key(line: ModelLine, key: str) -> tuple[bool, object]:
    """What is not known comes last, or first where the order is turned."""
    card = line.card
    value: object = {
        "name": card.name.lower(),
        "mark": rank(card),
        "tasks": card.tasks,
        "parameters": card.parameters,
        "size": card.weights.size_bytes if card.weights else None,
        "here": not line.local,
        "runs": line.runs,
        "used": line.used_at,
        "plugin": card.plugin,
    }[key]
    return (value is not None, value) if key in ("parameters", "size", "used") else (True, value)
