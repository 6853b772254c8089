"""Fields of a form: a name, what is entered, and what is wrong with it or what may stand there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.walk import walk_breadth_search_id
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static

from zoo.encoding import is_encodable
from zoo.errors import OptionInvalid
from zoo.options import Option, read
from zoo.sanitize import one_line, plain

AUTO = "auto"


class PathSuggester(Suggester):
    """Completes the name of a file or folder as a shell does."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return complete_path(value)


def complete_path(value: str) -> str | None:
    """The first path that begins so, in the order of names; None where there is none."""
    if not value:
        return None
    path = Path(value).expanduser()
    folder, start = (path, "") if value.endswith("/") else (path.parent, path.name)
    try:
        names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir() if entry.name.startswith(start))
    except OSError:
        return None
    visible = [name for name in names if is_encodable(name) and (start.startswith(".") or not name.startswith("."))]
    return value[: len(value) - len(start)] + visible[0] if visible else None


class Field(Vertical):
    """One line of a form; what is wrong with it stands below, in full.

    Args:
        name: as code names it.
        label: as people read it.
        editor: what is entered into.
        value: what stands there at first.
        note: what may stand there.
        help: one sentence, shown while the field has the focus.
    """

    DEFAULT_CSS = """
    Field {
        height: auto;
        & > .line { height: 1; }
        & .label { width: 18; color: $text-muted; }
        & .editor { width: 1fr; min-width: 14; max-width: 60; height: 1; }
        & .note { width: 1fr; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        & > .fault { display: none; height: auto; padding: 0 1 0 18; color: $text-error; }
        &:focus-within .label { color: $foreground; text-style: bold; }
        &.-wrong > .fault { display: block; }
        &.-path .editor { width: 4fr; max-width: 200; }
        & Select { width: 1fr; height: 1; }
    }
    """

    class Changed(Message):
        """What is entered is another value."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

    def __init__(
        self, name: str, label: str, editor: Widget, value: str | bool = "", *, note: str = "", help: str = ""
    ) -> None:
        super().__init__(id=f"field-{name}")
        self.field_name = name
        self.label = label
        self.help = help
        self._note = note
        self.editor = editor
        self._initial = value
        self.noted: Any = value
        """What a form has taken note of."""
        editor.add_class("editor")

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Static(one_line(self.label), classes="label", markup=False)
            yield self.editor
            yield Static(self._note, classes="note", markup=False)
        yield Static("", classes="fault", markup=False)

    @property
    def value(self) -> Any:
        """What is entered."""
        editor = self.editor
        if isinstance(editor, Select):
            return "" if editor.value is Select.NULL else editor.value
        return editor.value if isinstance(editor, Input | Checkbox) else None

    @property
    def touched(self) -> bool:
        """Whether a person has entered something."""
        return bool(self.value != self._initial)

    def enter(self, value: Any) -> None:
        """Let another value stand there, as if a person had entered it."""
        if isinstance(self.editor, Input | Checkbox | Select):
            self.editor.value = value

    def offer(self, choices: Iterable[tuple[str, str]], value: str) -> None:
        """Let one of other choices be made; the one that is chosen first is nobody's yet."""
        assert isinstance(self.editor, Select)
        if not self.editor.children:  # it has just been made, and has nothing yet that could show them
            self.call_after_refresh(self.offer, tuple(choices), value)
            return
        with self.prevent(Select.Changed):
            self.editor.set_options(offered(choices))
            self.editor.value = value
            # The same value may be shown by another name now.
            self.editor.mutate_reactive(Select.value)  # type: ignore[misc]
        self._initial = self.noted = value

    def set_note(self, note: str) -> None:
        """Show what may stand there."""
        self._update(".note", one_line(note))

    def set_fault(self, fault: str) -> None:
        """Show what is wrong; an empty text is nothing."""
        self.set_class(bool(fault), "-wrong")
        self._update(".fault", plain(fault))

    def _update(self, part: str, text: str) -> None:
        """Write what stands beside the editor; a field that is about to go has nothing left there."""
        for static in self.query(part).results(Static):
            static.update(text)

    @property
    def has_fault(self) -> bool:
        """Whether something is wrong."""
        return self.has_class("-wrong")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))


def field_below(widget: Widget, name: str) -> Field | None:
    """The field of that name below a widget; found by its id, where a query would look at every widget and its rules.

    Args:
        widget: a form, or a part of one.
        name: of the field.
    """
    field = walk_breadth_search_id(widget, f"field-{name}", with_root=False)
    return field if isinstance(field, Field) else None


def text_field(
    name: str, label: str, value: str = "", *, placeholder: str = "", note: str = "", help: str = "", path: bool = False
) -> Field:
    """A line of text, or a path that is completed while it is typed."""
    suggester = PathSuggester() if path else None
    editor = Input(value, placeholder=placeholder, compact=True, suggester=suggester, select_on_focus=False)
    field = Field(name, label, editor, value, note=note, help=help)
    field.set_class(path, "-path")
    return field


def choice_field(
    name: str, label: str, choices: Iterable[tuple[str, str]], value: str, *, note: str = "", help: str = ""
) -> Field:
    """One of several."""
    editor: Select[str] = Select(offered(choices), value=value, allow_blank=False, compact=True)
    return Field(name, label, editor, value, note=note, help=help)


def switch_field(name: str, label: str, *, value: bool = False, help: str = "") -> Field:
    """Yes or no."""
    return Field(name, label, Checkbox("", value=value, compact=True), value, help=help)


def offered(choices: Iterable[tuple[str, str]]) -> list[tuple[Content, str]]:
    """Choices as they are shown, with their values; names from outside are no markup."""
    return [(Content(one_line(title)), value) for title, value in choices]


def option_field(described: Option) -> Field:
    """An option of a model, with its bounds; empty means what the default says."""
    label = described.name.replace("_", " ")
    note = described.accepted if described.bounds or described.kind in ("int", "float") else ""
    help_text = f"{described.help} It takes {note}." if note else described.help
    default = AUTO if described.default is None else str(described.default)
    if described.choices:
        values = ((AUTO,) if described.optional else ()) + described.choices
        return choice_field(described.name, label, [(v, v) for v in values], default, help=help_text)
    if described.kind == "bool" and not described.optional:
        return switch_field(described.name, label, value=bool(described.default), help=help_text)
    return text_field(described.name, label, placeholder=default, note=note, help=help_text)


def changed_option(field: Field, described: Option) -> dict[str, Any]:
    """What a person has set: nothing where the default stands."""
    value = field.value.strip() if isinstance(field.value, str) else field.value
    default = AUTO if described.default is None else described.default
    return {} if value in ("", default, str(default)) else {described.name: value}


def fault_of(field: Field, described: Option) -> OptionInvalid | None:
    """Why the value alone will not do; None where it will."""
    try:
        for value in changed_option(field, described).values():
            read(described, value)
    except OptionInvalid as error:
        # The sentence on what the option is stands in the form already.
        return OptionInvalid(error.message, "" if error.hint == described.help else error.hint)
    return None
