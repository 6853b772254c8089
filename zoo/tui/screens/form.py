"""A form: fields, what is wrong with them, and what would be lost if it went away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Collapsible, Input, Static

from zoo.errors import ZooError
from zoo.sanitize import plain
from zoo.tui.form_errors import field_of, in_words_of_form
from zoo.tui.page import Page
from zoo.tui.widgets.fields import Field, field_below


class FieldList(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The fields, which scroll by the page: up and down go from field to field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
    ]


class Form(Page):
    """A screen of fields; `#help` is about the one that has the focus, `#notice` about the form as a whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Back"),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Field before", show=False),
    ]

    def field(self, name: str) -> Field:
        """The field of that name."""
        return self.query_one(f"#field-{name}", Field)

    def value(self, name: str) -> str:
        """What is entered in a field, trimmed; empty where there is no such field."""
        field = field_below(self, name)
        return "" if field is None else str(field.value).strip()

    @property
    def labels(self) -> dict[str, str]:
        """Name of each field to its label."""
        return {field.field_name: field.label for field in self.walk_children(Field)}

    @property
    def unsaved(self) -> str:
        return "what you entered in the form" if any(field.touched for field in self.walk_children(Field)) else ""

    def find_fault(self, field: Field) -> ZooError | None:
        """What is wrong with a field; None where nothing is."""
        return None

    def check(self, field: Field) -> None:
        """Show what is wrong with a field, or that nothing is."""
        error = self.find_fault(field)
        field.set_fault(in_words_of_form(error, self.labels) if error else "")

    def show_notice(self, text: str, *, wrong: bool = False) -> None:
        """Show something that concerns the form as a whole, until it is changed."""
        notice = self.query_one("#notice", Static)
        notice.update(plain(text))
        notice.set_class(wrong, "-wrong")
        notice.display = bool(text)

    def show_error(self, error: ZooError, otherwise: str = "") -> Field | None:
        """Show what is wrong, beside the field it is about; returns that field.

        Args:
            error: what is wrong.
            otherwise: the field it is about where the error names none; empty for the form as a whole.
        """
        text = in_words_of_form(error, self.labels)
        name = field_of(error, self.labels) or otherwise
        if not name:
            self.show_notice(text, wrong=True)
            return None
        field = self.field(name)
        field.set_fault(text)
        return field

    def go_to(self, field: Field) -> None:
        """Put the focus on a field, unfolding what it is in."""
        for folded in self.query(Collapsible):
            folded.collapsed = folded.collapsed and field not in folded.walk_children(Field)
        field.editor.focus()

    def changed(self, field: Field) -> None:
        """A field has another value."""
        self.check(field)
        self.show_notice("")

    def submitted(self, editor: Input) -> None:
        """Enter was pressed in a line of text."""
        self.app.action_focus_next()

    def take_note(self, field: Field) -> None:
        """Look at what is entered, unless that was done: a message of the change may come late."""
        if field.value != field.noted:
            field.noted = field.value
            self.changed(field)

    def on_field_changed(self, event: Field.Changed) -> None:
        self.take_note(event.field)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.submitted(event.input)

    def on_descendant_focus(self) -> None:
        focused = self.focused
        field = next((node for node in focused.ancestors if isinstance(node, Field)), None) if focused else None
        text = f"{field.label}: {field.help}" if field is not None and field.help else ""
        self.query_one("#help", Static).update(plain(text))

    def pick_path(self, field: Field, then: Callable[[], None] = lambda: None) -> None:
        """Let the person choose the file or folder that a field is about; `then` is called once one is chosen."""
        from zoo.tui.screens.pick import PickScreen

        def enter_choice(path: Path | None) -> None:
            if path is not None:
                field.enter(str(path))
                field.editor.focus()
                then()

        self.app.push_screen(PickScreen(str(field.value)), enter_choice)

    def action_give_up(self) -> None:
        """Leave the form; what was entered is asked about."""
        self.zoo.leave_page(self, self.dismiss)
