"""How a model answers: the options of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from zoo.abilities import predict_options
from zoo.ability_options import option_set
from zoo.card import Card
from zoo.errors import OptionInvalid, ZooError
from zoo.options import schema
from zoo.sanitize import one_line
from zoo.tui.screens.form import FieldList, Form
from zoo.tui.widgets.fields import Field
from zoo.tui.widgets.option_fields import OptionFields

ELSEWHERE = frozenset({"system", "raw"})
"""What the conversation itself says."""


class PredictOptionsScreen(Form):
    """Choose how a model answers from the next message on.

    Args:
        card: of the model.
        options: that are set.
        use: takes what is set then.
    """

    CSS_PATH = "predict_options.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "use", "Use them", priority=True)]

    def __init__(self, card: Card, options: Mapping[str, Any], use: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._card, self._options, self._use = card, dict(options), use
        self._task_name = card.tasks_of("predict")[0]

    def body(self) -> ComposeResult:
        described = schema(option_set(self._card.ability("predict", self._task_name)))
        yield Static(f"how {one_line(self._card.name)} answers", id="title", markup=False)
        with FieldList(id="form"):
            yield OptionFields([one for one in described if one.name not in ELSEWHERE])
        yield Static("", id="help", markup=False)
        yield Static("", id="notice", markup=False)

    def on_mount(self) -> None:
        fields = list(self.walk_children(Field))
        for field in fields:
            if field.field_name in self._options:
                field.enter(str(self._options[field.field_name]))
        if fields:
            fields[0].editor.focus()

    @property
    def unsaved(self) -> str:
        changed = self.is_mounted and self.query_one(OptionFields).changed_options != self._options
        return "what you entered in the form" if changed else ""

    def find_fault(self, field: Field) -> ZooError | None:
        return self.query_one(OptionFields).find_fault(field)

    def action_use(self) -> None:
        """Go back, and answer so from the next message on; keys that were pressed before are entered first."""
        (self.focused or self).call_later(self._use_entered)

    def _use_entered(self) -> None:
        for field in self.walk_children(Field):
            self.check(field)  # what two of them said of each other may be settled
        if wrong := next((field for field in self.walk_children(Field) if field.has_fault), None):
            self.go_to(wrong)
            return
        options = self.query_one(OptionFields).changed_options
        try:
            predict_options(self._card, self._task_name, options)
        except OptionInvalid as error:
            if about := self.show_error(error):
                self.go_to(about)
            return
        self._use(options)
        self.dismiss()
