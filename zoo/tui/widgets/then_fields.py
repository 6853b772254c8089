"""What is done after a training, on its result: a command each, as on the command line."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from zoo.tui.widgets.fields import Field, text_field

HELP = "Done next, on the result: a command as one types it, without its model. It is checked before anything starts."


class ThenFields(Vertical):
    """A field for each command, and an empty one for the next."""

    DEFAULT_CSS = "ThenFields { height: auto; }"

    def compose(self) -> ComposeResult:
        yield self._new_field(1)

    def _new_field(self, number: int) -> Field:
        name = "then" if number == 1 else f"then_{number}"
        field = text_field(name, "then", placeholder="finetune --data reviews.csv --name mood", help=HELP)
        field.add_class("-path")  # as wide
        return field

    @property
    def commands(self) -> dict[str, str]:
        """The commands, by the name of the field that each stands in."""
        entered = {field.field_name: str(field.value).strip() for field in self.walk_children(Field)}
        return {name: text for name, text in entered.items() if text}

    def on_field_changed(self, event: Field.Changed) -> None:
        fields = list(self.walk_children(Field))
        if fields[-1].value:
            self.mount(self._new_field(len(fields) + 1))
