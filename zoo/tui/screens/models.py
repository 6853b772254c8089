"""All models: find one, look at it, do something with it."""

from __future__ import annotations

from typing import ClassVar

import psutil
from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.widgets import Input, Static

from zoo import devices
from zoo.card import Card, Verb
from zoo.hub_reference import PREFIX
from zoo.model_filter import ModelFilter
from zoo.ranking import FROM_SCRATCH
from zoo.sanitize import one_line
from zoo.suggested import SuggestedModel
from zoo.tui.card_text import card_markdown
from zoo.tui.commands import command_line
from zoo.tui.download_text import download_lines
from zoo.tui.feed import ModelLine, ModelRow, row_key
from zoo.tui.model_list import ModelList
from zoo.tui.page import Page
from zoo.tui.table_rows import model_cells
from zoo.tui.widgets.table import Column, Table

COLUMNS = (
    Column("name", "MODEL"),
    Column("mark", "MARK", 13, dispensable=1),
    Column("tasks", "TASKS (* recommended)", 21, dispensable=2),
    Column("family", "FAMILY", 12, dispensable=6),
    Column("parameters", "PARAMS", 7, right=True, dispensable=4),
    Column("size", "SIZE", 8, right=True, dispensable=3),
    Column("here", "HERE", 7),
    Column("runs", "RUNS", 4, right=True, dispensable=7),
    Column("used", "USED", 6, right=True, dispensable=5),
    Column("plugin", "PLUGIN", 8, dispensable=8),
)
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
        Binding("b", "pick", "Pick the best for data", show=False),
        Binding("e", "form('evaluate')", "Evaluate", show=False),
        Binding("h", "form('shrink')", "Make smaller", show=False),
        Binding("a", "form('audit')", "Look whether it gives its rows away", show=False),
        Binding("w", "form('federate')", "Fine-tune with clients", show=False),
        Binding("l", "form('labels')", "Find labels that are probably wrong", show=False),
        Binding("u", "form('curve')", "Would more rows help?", show=False),
        Binding("t", "next_task", "Task", show=False),
        Binding("y", "next_family", "Family", show=False),
        Binding("z", "next_size", "Size: up to 5M, 25M, 100M parameters", show=False),
        Binding("m", "next_verb", "Fits: free memory for predicting, fine-tuning", show=False),
        Binding("s", "next_sort", "Sort", show=False),
        Binding("c", "copy_command", "Copy the command", show=False),
        Binding("x,delete", "delete", "Delete", show=False),
        Binding("escape", "clear", "Show all", show=False),
        Binding("ctrl+r", "reload", "Reload", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._list = ModelList()

    def body(self) -> ComposeResult:
        with Horizontal(id="bar"):
            yield Input(placeholder="/ type to filter", compact=True, id="filter")
            yield Static("", id="shown", markup=False)
        with Container(id="halves"):
            yield Table[ModelRow](
                COLUMNS,
                cells=self._cells,
                key=row_key,
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
    def _table(self) -> Table[ModelRow]:
        return self.query_one("#models", Table)

    def _card(self) -> Card | None:
        """The card of the model under the cursor; says so where it is one that has to be pulled first."""
        row = self._table.current
        if isinstance(row, SuggestedModel):
            self.notify(f"{row.repository} is not here yet: d pulls it", severity="warning", markup=False)
        return row.card if isinstance(row, ModelLine) else None

    def _cells(self, line: ModelRow) -> list[str | tuple[str, str]]:
        return model_cells(line, self.zoo.feed.downloads.of(row_key(line)), self._list.filter.task)

    def show(self) -> None:
        """Filter, sort and show what the feed knows."""
        feed = self.zoo.feed
        words = self.query_one("#filter", Input).value.lower().split()
        lines = self._list.lines(feed.models, words)
        suggested = self._list.suggested(feed.suggested, words)
        table = self._table
        table.sorted_by, table.descending = self._list.sort, self._list.descending
        if feed.models_loaded:
            broken = "; some plugins are broken, see 4 Plugins" if feed.failures else ""
            nothing = "no model matches; Esc shows all" if feed.models else "no plugin has a model; see 4 Plugins"
            table.empty = nothing + (broken if feed.models else "")
        pulled = self._pulled()
        table.show([*lines, *suggested])
        if pulled:
            table.go_to_key(pulled)
        to_pull = f"  {len(suggested):,} to pull" if suggested else ""
        shown = f"{len(lines):,} of {len(feed.models):,}{to_pull}  {self._list}".rstrip()
        self.query_one("#shown", Static).update(shown)

    def _pulled(self) -> str:
        """Full name of the model that the one under the cursor has become; empty where that is still to be pulled."""
        row = self._table.current
        if not isinstance(row, SuggestedModel) or row in self.zoo.feed.suggested:
            return ""
        download = self.zoo.feed.downloads.of(row.repository)
        return download.card.full_name if download is not None and download.card is not None else ""

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
        self._list.sort_by(event.column.key)
        self.show()

    def _show_detail(self) -> None:
        from rich.markdown import Markdown

        line = self._table.current
        side, progress = self.query_one("#card", Static), self.query_one("#download", Static)
        if line is None:
            side.update("")
            progress.update("")
            return
        download = self.zoo.feed.downloads.of(row_key(line))
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
        self._list.filter = ModelFilter()
        self._table.focus()
        self.show()

    def action_next_task(self) -> None:
        """Show the models of one task after the other."""
        self._list.next_task(self.zoo.feed.models, self.zoo.feed.suggested)
        self.show()

    def action_next_family(self) -> None:
        """Show the models of one family after the other."""
        self._list.next_family(self.zoo.feed.models)
        self.show()

    def action_next_size(self) -> None:
        """Show smaller models."""
        self._list.next_size()
        self.show()

    def action_next_verb(self) -> None:
        """Show what the memory that is free now has room for."""
        self._list.next_verb()
        self.show()
        if self._list.filter.fits:
            self.run_worker(self._measure, thread=True, group="memory", exclusive=True, exit_on_error=False)

    def _measure(self) -> None:
        """In a thread."""
        memory_bytes = devices.most_memory()
        self.later(lambda: self._show_fitting(memory_bytes))

    def _show_fitting(self, memory_bytes: int) -> None:
        self._list.filter = replace(self._list.filter, memory_bytes=memory_bytes)
        self.show()

    def action_next_sort(self) -> None:
        """Sort by one column after the other."""
        self._list.next_sort()
        self.show()

    def action_reload(self) -> None:
        """Ask the plugins anew."""
        self.zoo.feed.reload_models(anew=True)

    def action_download(self) -> None:
        """Download the weights, or pull the model; stop a download that goes on."""
        row = self._table.current
        if row is None:
            return
        downloads = self.zoo.feed.downloads
        download = downloads.of(row_key(row))
        if download is not None and download.active:
            download.stop()
        elif isinstance(row, SuggestedModel):
            downloads.pull(row.repository)
        elif row.card.weights is None:
            self.notify(f"{row.card.name} has no weights: it starts {FROM_SCRATCH}", markup=False)
        elif row.local and not row.variant:
            self.notify(f"{row.card.name} is on this machine already", markup=False)
        else:
            downloads.start(row.card)
        self._show_all()

    def action_train(self, verb: Verb) -> None:
        """Fill in the form of a training."""
        card = self._card()
        if card is None:
            return
        if verb not in card.verbs:
            self.notify(f"{card.name} cannot {verb}", severity="warning", markup=False)
            return
        self.zoo.train(card, verb)

    def action_predict(self) -> None:
        """Let the model answer."""
        card = self._card()
        if card is None:
            return
        if "predict" not in card.verbs or card.weights is None:
            self.notify(f"{card.name} has learnt nothing yet; {card.training_advice}", severity="warning", markup=False)
            return
        self.zoo.predict_with(card.full_name)

    def action_form(self, name: str) -> None:
        """Fill in a form of what is done with the model."""
        if (card := self._card()) is not None:
            self.zoo.open_form(name, card)

    def action_pick(self) -> None:
        """Fill in the form of picking a model for data."""
        self.zoo.pick_model()

    def action_copy_command(self) -> None:
        """Copy what one would type for this model."""
        row = self._table.current
        if isinstance(row, SuggestedModel):
            self.zoo.copy(command_line("pull", PREFIX + row.repository))
            return
        card = self._card()
        if card is None:
            return
        verb = "predict" if card.weights is not None and "predict" in card.verbs else "show"
        self.zoo.copy(command_line(verb, card.name))

    def action_delete(self) -> None:
        """Delete a model of your own, or the weights of one that can be fetched again."""
        from zoo.tui.deleting import delete_run, delete_weights

        card = self._card()
        if card is None:
            return
        run = next((run for run in self.zoo.feed.runs if run.name == card.name), None)
        line = self.zoo.feed.line(card.full_name)
        if run is None and line is not None and line.local and card.weights is not None:
            delete_weights(self.zoo, card)
            return
        if run is None:
            self.notify(
                f"{one_line(card.name)} comes with plugin {card.plugin}; only your own models can be deleted here",
                markup=False,
            )
            return
        delete_run(self.zoo, run.name)
