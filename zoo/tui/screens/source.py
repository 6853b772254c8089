"""One more source of a training: what it is called, its data, what is learnt of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from zoo.card import Card
from zoo.errors import OptionInvalid, ZooError
from zoo.options import read
from zoo.sanitize import one_line
from zoo.sources import SOURCE_WEIGHT, Source, check_source_name
from zoo.tui.preview import DataQuery
from zoo.tui.screens.data_form import DataForm
from zoo.tui.screens.form import FieldList
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import Field, choice_field, text_field
from zoo.tui.widgets.teacher_field import TeacherField


def weight_field(weight: float = 1.0) -> Field:
    """A field for how much the loss of a source counts."""
    value = "" if weight == 1 else f"{weight:g}"
    return text_field("weight", "weight", value, placeholder="1", help="Of its mean loss in the sum of all sources.")


def weight_fault(weight: str) -> OptionInvalid | None:
    """What is wrong with a weight as it was entered; None where nothing is."""
    try:
        read(SOURCE_WEIGHT, weight or SOURCE_WEIGHT.default)
    except OptionInvalid as error:
        return error
    return None


def entered_weight(weight: str) -> float:
    """A weight as it was entered; the usual one where that is none, as while it is typed."""
    return 1.0 if weight_fault(weight) else float(weight or 1)


class SourceScreen(DataForm):
    """Say what a model learns from beside the data of the form.

    Args:
        card: of the model.
        names: of the other sources there are.
        take: takes the source.
        source: what stands in the form at first, where one is changed that was added; None for a new one.
    """

    CSS_PATH = "job_form.tcss"
    PATHS: ClassVar[tuple[str, ...]] = ("data", "eval")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "take", "Take it", priority=True),
        Binding("ctrl+o", "pick", "Choose a file", priority=True),
    ]

    def __init__(
        self, card: Card, names: list[str], take: Callable[[Source], None], source: Source | None = None
    ) -> None:
        super().__init__(msgspec.structs.replace(card, columns={}, labels=()), "finetune", "finetune")
        self.task_names = tuple(dict.fromkeys((*card.tasks_of("finetune"), *card.tasks_of("pretrain"))))
        self._names, self._take, self._source = names, take, source or Source(data="")
        if self._source.task:
            self._task_chosen = True
            self.ability = self.ability_for(self._source.task)

    def body(self) -> ComposeResult:
        source, model = self._source, one_line(self.card.name)
        title = f"{source.name}, which {model} learns from" if source.name else f"one more source for {model}"
        yield Static(title if source.name else f"{title} to learn from", id="title", markup=False)
        with Container(id="halves"):
            with FieldList(id="form"):
                help_text = "Its head is a model of that name behind the name of the run."
                yield text_field("source", "name", source.name, help=help_text)
                yield text_field("data", "data", str(source.data), path=True)
                if len(self.task_names) > 1:
                    tasks = [(name, name) for name in self.task_names]
                    yield choice_field("task", "task", tasks, self.ability.task, help="What is learnt of it.")
                yield ColumnFields(self.data_task, self.card.columns, label=True, source=source)
                eval_data = str(source.eval_data or "")
                yield text_field("eval", "evaluate on", eval_data, placeholder="a share held out", path=True)
                yield weight_field(source.weight)
                yield TeacherField(self.card, source.teacher)
            with Container(id="side"):
                yield from self.side()
        yield Static("", id="notice", markup=False)

    def on_mount(self) -> None:
        self.field("source").editor.focus()
        self.find_teachers()
        if self._source.data:
            self.look_at_data()

    def data_query(self) -> DataQuery:
        """Data that may be without targets, where the model learns from such."""
        return super().data_query()._replace(untargeted=next(iter(self.card.tasks_of("pretrain")), ""))

    def find_fault(self, field: Field) -> ZooError | None:
        name, value = field.field_name, self.value(field.field_name)
        if name == "weight":
            return weight_fault(value)
        if name == "source" and value:
            try:
                check_source_name(value, self._names)
            except OptionInvalid as error:
                return error
        return super().find_fault(field)

    def action_take(self) -> None:
        """Take it into the form; keys that were pressed before are entered first."""
        (self.focused or self).call_later(self._take_entered)

    def _take_entered(self) -> None:
        for field in self.walk_children(Field):
            self.take_note(field)
            self.check(field)
        for name in ("source", "data"):
            if not self.value(name):
                self.field(name).set_fault("it is needed")
        if wrong := next((field for field in self.walk_children(Field) if field.has_fault), None):
            self.go_to(wrong)
            return
        source = self.source(eval_data=self.value("eval") or None)
        named = msgspec.structs.replace(
            source,
            name=self.value("source"),
            task=self.ability.task if self.is_task_settled else "",
            weight=entered_weight(self.value("weight")),
        )
        self._take(named)
        self.dismiss()
