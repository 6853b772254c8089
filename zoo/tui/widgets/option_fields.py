"""The options of what a model shall do: those that people change first, the others folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Collapsible, Static

from zoo.errors import OptionInvalid
from zoo.options import Option
from zoo.tui.widgets.fields import Field, changed_option, fault_of, option_field


class OptionFields(Vertical):
    """A field for each option.

    Args:
        options: those that can be set, such as of the ability that is used.
        title: what stands above them; empty for nothing.
        folded: whether those that few people need are folded away.
    """

    DEFAULT_CSS = "OptionFields { height: auto; }"

    def __init__(
        self, options: Sequence[Option], *, title: str = "options", folded: bool = True, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._title, self._folded = title, folded
        self._options = {one.name: one for one in options}

    def compose(self) -> ComposeResult:
        yield from self._widgets()

    def _widgets(self) -> Iterator[Widget]:
        if not self._options:
            return
        if self._title:
            yield Static(self._title, classes="section", markup=False)
        advanced = [one for one in self._options.values() if one.advanced and self._folded]
        yield from (option_field(one) for one in self._options.values() if one not in advanced)
        if advanced:
            names = ", ".join(one.name.replace("_", " ") for one in advanced)
            title: Any = Content(f"{len(advanced)} more: {names}")
            yield Collapsible(*map(option_field, advanced), title=title, id="advanced")

    async def use(self, options: Sequence[Option]) -> None:
        """Show other options; what was entered stays where the option does."""
        entered = {field.field_name: field.value for field in self.walk_children(Field) if field.touched}
        self._options = {one.name: one for one in options}
        await self.remove_children()
        await self.mount(*self._widgets())
        for field in self.walk_children(Field):
            if field.field_name in entered:
                field.enter(entered[field.field_name])

    @property
    def changed_options(self) -> dict[str, Any]:
        """The options that a person has set."""
        return {
            name: value
            for field in self.walk_children(Field)
            if field.field_name in self._options  # those of others may be on their way out
            for name, value in changed_option(field, self._options[field.field_name]).items()
        }

    def find_fault(self, field: Field) -> OptionInvalid | None:
        """What is wrong with one of them; None where nothing is, and for other fields."""
        option = self._options.get(field.field_name)
        return fault_of(field, option) if option else None
