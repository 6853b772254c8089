"""Lines of text, one below the other, of which a person needs as many as there are things to say."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from zoo.tui.widgets.fields import Field, text_field


class GrowingFields(Vertical):
    """A field for each of them, and an empty one for the next.

    Args:
        name: of the first field; the others have a number behind it.
        label: of all.
        placeholder: what may stand there.
        help: shown while one of them has the focus.
    """

    DEFAULT_CSS = "GrowingFields { height: auto; }"

    def __init__(self, name: str, label: str, *, placeholder: str, help: str) -> None:
        super().__init__()
        self._first, self._label, self._placeholder, self._help = name, label, placeholder, help

    def compose(self) -> ComposeResult:
        yield self._new_field(1)

    def _new_field(self, number: int) -> Field:
        name = self._first if number == 1 else f"{self._first}_{number}"
        field = text_field(name, self._label, placeholder=self._placeholder, help=self._help)
        field.add_class("-path")  # as wide
        return field

    @property
    def entered(self) -> dict[str, str]:
        """What stands in them, by the name of the field."""
        entered = {field.field_name: str(field.value).strip() for field in self.walk_children(Field)}
        return {name: text for name, text in entered.items() if text}

    def on_field_changed(self, event: Field.Changed) -> None:
        fields = list(self.walk_children(Field))
        if fields[-1].value:
            self.mount(self._new_field(len(fields) + 1))
