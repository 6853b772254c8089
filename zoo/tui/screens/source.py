"""One more source of a training: what it is called, its data, what is learnt of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from zoo.card import Card
from zoo.errors import DatasetInvalid, OptionInvalid, ZooError
from zoo.options import read
from zoo.sanitize import one_line
from zoo.sources import SOURCE_WEIGHT, Source, check_source_name
from zoo.tui.screens.form import FieldList, Form
from zoo.tui.widgets.fields import AUTO, Field, choice_field, text_field


class SourceScreen(Form):
    """Say what a model learns from beside the data of the form.

    Args:
        card: of the model.
        names: of the sources there are.
        add: takes the source.
    """

    CSS_PATH = "predict_options.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "add", "Add it", priority=True)]

    def __init__(self, card: Card, names: list[str], add: Callable[[Source], None]) -> None:
        super().__init__()
        self._card, self._names, self._add = card, names, add

    def body(self) -> ComposeResult:
        tasks = dict.fromkeys((*self._card.tasks_of("finetune"), *self._card.tasks_of("pretrain")))
        yield Static(f"one more source for {one_line(self._card.name)} to learn from", id="title", markup=False)
        with FieldList(id="form"):
            yield text_field("source", "name", help="Its head is a model of that name behind the name of the run.")
            yield text_field("data", "data", path=True)
            yield choice_field("task", "task", [("as the data look", AUTO), *((task, task) for task in tasks)], AUTO)
            yield text_field("weight", "weight", placeholder="1", help="Of its mean loss in the sum of all sources.")
            yield text_field("eval", "evaluate on", placeholder="a share held out", path=True)
        yield Static("", id="help", markup=False)
        yield Static("", id="notice", markup=False)

    def on_mount(self) -> None:
        self.field("source").editor.focus()

    def find_fault(self, field: Field) -> ZooError | None:
        name, value = field.field_name, self.value(field.field_name)
        try:
            if name == "source" and value:
                check_source_name(value, self._names)
            elif name == "weight" and value:
                read(SOURCE_WEIGHT, value)
        except OptionInvalid as error:
            return error
        if name in ("data", "eval") and value and not Path(value).expanduser().exists():
            return DatasetInvalid("no such file or folder")
        return None

    def action_add(self) -> None:
        """Take it into the form; keys that were pressed before are entered first."""
        (self.focused or self).call_later(self._add_entered)

    def _add_entered(self) -> None:
        for field in self.query(Field):
            self.check(field)
        for name in ("source", "data"):
            if not self.value(name):
                self.field(name).set_fault("it is needed")
        if wrong := next((field for field in self.query(Field) if field.has_fault), None):
            self.go_to(wrong)
            return
        task = self.value("task")
        self._add(
            Source(
                name=self.value("source"),
                data=self.value("data"),
                task="" if task == AUTO else task,
                weight=float(self.value("weight") or 1),
                eval_data=self.value("eval") or None,
            )
        )
        self.dismiss()
