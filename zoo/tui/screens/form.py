"""What the forms that start a run share: data and its preview, place, options, command, the check before the start."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.timer import Timer
from textual.widgets import Select, Static
from textual.worker import get_current_worker

from zoo.api import start
from zoo.card import Ability, Card, ImageInput, TextInput
from zoo.catalog import data_task
from zoo.data import Inspection, inspect
from zoo.data.wording import findings, report
from zoo.devices import Device, available
from zoo.errors import RunCancelled, ZooError
from zoo.options import Option, schema
from zoo.requesting import find_max_tokens, offering_models
from zoo.runs.request import RunRequest
from zoo.sanitize import one_line, plain
from zoo.tui.commands import command_line
from zoo.tui.page import Page
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.widgets.fields import (
    AUTO,
    Field,
    choice_field,
    fault_of,
    given,
    offered,
    option_field,
    switch_field,
    text_field,
)
from zoo.tui.wording import short_path

PREVIEW_S = 0.4
"""The data is looked at once nothing was typed for so long."""
SHOWN_EVERY = 200
LOOKED_AT_WITH = ("input", "label", "merge_labels", "max_tokens")
"""Fields that decide, beside the paths, what is found in the data."""
BY_NAME = ("by its usual name", "")


def merge_labels_field() -> Field:
    """Whether labels that look alike are one class."""
    help_text = "Labels that differ only in case, blanks, invisible characters or Unicode form are one class."
    return switch_field("merge_labels", "merge labels", help=help_text)


class RunForm(Page):
    """A form whose end is a run.

    Args:
        card: the model.
        verb: the command it stands for.
        ability: the ability of the model that is used.
    """

    CSS_PATH = "form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", priority=True),
        Binding("ctrl+o", "pick", "Choose a file", priority=True),
        Binding("ctrl+y", "copy_command", "Copy the command", priority=True),
        Binding("escape", "app.pop_screen", "Back"),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Field before", show=False),
    ]
    PATHS: ClassVar[tuple[str, ...]] = ("data",)
    """Fields that hold paths."""

    def __init__(self, card: Card, verb: str, ability: Ability) -> None:
        super().__init__()
        self.card, self.verb, self.ability = card, verb, ability
        self.task_ = data_task(card, ability.task)
        self.options: tuple[Option, ...] = schema(ability.options)
        self._preview_timer: Timer | None = None
        self._previewed: tuple[str, ...] = ()
        self._busy = False

    def body(self) -> ComposeResult:
        yield Static(f"{self.verb} {one_line(self.card.name)}", id="title", markup=False)
        with Container(id="halves"):
            with VerticalScroll(id="form", can_focus=False):
                yield from self.fields()
                yield Static("where", classes="section", markup=False)
                yield choice_field("device", "device", [(AUTO, AUTO)], AUTO, note="looking what is here")
                yield choice_field("precision", "precision", [(p, p) for p in ("auto", *self.ability.precisions)], AUTO)
                yield text_field("name", "name", placeholder="made up from model and verb", note="of the run")
                yield Static("options", classes="section", markup=False)
                for described in self.options:
                    yield option_field(described)
            with VerticalScroll(id="side", can_focus=False):
                yield Static("", id="help", markup=False)
                yield Static(self.advice(), id="preview", markup=False)
        yield Static("", id="command", markup=False)

    @abstractmethod
    def fields(self) -> Iterator[Field]:
        """What stands above place and options."""

    @abstractmethod
    def request(self) -> RunRequest:
        """Check everything and put it into words; in a thread.

        Raises:
            ZooError: what cannot serve.
        """

    def advice(self) -> str:
        """What is said while there is no data to look at."""
        wanted = (
            "a table of images, or a folder with a folder for each class"
            if self.task_.input == "image"
            else ("CSV, TSV, JSON, Parquet or text")
        )
        return f"Give the data: {wanted}. It is looked at here before anything starts. Ctrl-O lets you choose it."

    def on_mount(self) -> None:
        self.field("data").editor.focus()
        self.run_worker(self._find_devices, thread=True, group="devices", exit_on_error=False)
        self._show_command()

    def on_descendant_focus(self) -> None:
        focused = self.focused
        field = next((node for node in focused.ancestors if isinstance(node, Field)), None) if focused else None
        text = f"{field.field_name.replace('_', ' ')}: {field.help}" if field is not None and field.help else ""
        self.query_one("#help", Static).update(text)

    def field(self, name: str) -> Field:
        """The field of that name."""
        return self.query_one(f"#field-{name}", Field)

    def value(self, name: str) -> str:
        """What is entered in a field, trimmed; empty where there is no such field."""
        found = self.query(f"#field-{name}")
        return str(found.first(Field).value).strip() if found else ""

    @property
    def merges_labels(self) -> bool:
        """Whether labels that look the same are one class."""
        return self.value("merge_labels") == str(True)

    def given_options(self) -> dict[str, Any]:
        """The options that were set."""
        return {name: value for one in self.options for name, value in given(self.field(one.name), one).items()}

    def on_field_changed(self, event: Field.Changed) -> None:
        described = next((one for one in self.options if one.name == event.field.field_name), None)
        if described is not None:
            event.field.say(fault_of(event.field, described))
        if event.field.field_name in self.PATHS:
            event.field.say("")
        self._show_command()
        if event.field.field_name in (*self.PATHS, *LOOKED_AT_WITH):
            if self._preview_timer is not None:
                self._preview_timer.stop()
            self._preview_timer = self.set_timer(PREVIEW_S, self._look_at_data)

    def command(self) -> str:
        """What one would type instead."""
        names = ("data", "eval", "input", "label", "out", "name")
        flags: dict[str, object] = {name: self.value(name) for name in names}
        flags["merge_labels"] = self.merges_labels or None
        places = {name: self.value(name) for name in ("device", "precision") if self.value(name) != AUTO}
        return command_line(self.verb, self.card.name, flags=flags | places | self.given_options())

    def _show_command(self) -> None:
        self.query_one("#command", Static).update(plain(f"$ {self.command()}"))

    def action_copy_command(self) -> None:
        """Copy what one would type instead."""
        self.zoo.copy(self.command())

    def action_pick(self) -> None:
        """Choose the file or folder."""
        from zoo.tui.screens.pick import PickScreen

        focused = self.focused
        name = next((n for n in self.PATHS if focused is self.field(n).editor), self.PATHS[0])
        field = self.field(name)

        def chosen(path: Path | None) -> None:
            if path is not None:
                field.editor.value = str(path)  # type: ignore[attr-defined]  # fields of paths are lines of text
                field.editor.focus()

        self.app.push_screen(PickScreen(str(field.value)), chosen)

    # The data, looked at while the rest is filled in

    def _look_at_data(self) -> None:
        asked = tuple(self.value(name) for name in (*self.PATHS, *LOOKED_AT_WITH))
        if asked == self._previewed:
            return
        self._previewed = asked
        path = Path(self.value("data")).expanduser()
        preview = self.query_one("#preview", Static)
        if not self.value("data"):
            preview.update(self.advice())
        elif not path.exists():
            self.field("data").say("no such file or folder")
            preview.update("")
        else:
            preview.update("looking at the data")
            self.run_worker(
                lambda: self._inspect(path), thread=True, group="preview", exclusive=True, exit_on_error=False
            )

    def _inspect(self, path: Path) -> None:
        """In a thread; given up when something else is typed."""
        worker = get_current_worker()

        def watch(name: str, rows: int) -> None:
            if worker.is_cancelled:
                raise RunCancelled("other data is meant now")
            if rows % SHOWN_EVERY == 0:
                self.later(lambda: self._say_preview(f"{rows:,} looked at"))

        evaluation = self.value("eval")
        card_input = self.card.input
        try:
            with offering_models(self.card, self.verb):
                found = inspect(
                    path,
                    self.task_,
                    eval_path=Path(evaluation).expanduser() if evaluation else None,
                    input_column=self.value("input"),
                    label_column=self.value("label"),
                    merge=self.merges_labels,
                    tokenizer=self._tokenizer() if isinstance(card_input, TextInput) else None,
                    max_tokens=find_max_tokens(self.card, self.verb, self.value("max_tokens")),
                    shorter_side=min(card_input.input_size[1:]) if isinstance(card_input, ImageInput) else 0,
                    on_rows=watch,
                )
        except RunCancelled:
            return
        except ZooError as error:
            text = f"{error.message}\n\n{error.hint}"
            self.later(lambda: self._say_preview(text))
            return
        if not worker.is_cancelled:
            self.later(lambda: self._show_inspection(found))

    def _tokenizer(self) -> Path | None:
        from zoo.fetch import locate

        folder = locate(self.card.weights) if self.card.weights is not None else None
        path = folder / "tokenizer.json" if folder is not None else None
        return path if path is not None and path.is_file() else None

    def _say_preview(self, text: str) -> None:
        self.query_one("#preview", Static).update(plain(text))

    def _show_inspection(self, found: Inspection) -> None:
        for name, mapped in (("input", found.train.mapping.input), ("label", found.train.mapping.label)):
            if self.query(f"#field-{name}"):
                self._offer_columns(self.field(name), found.train.columns, mapped)
        lines = list(report(found, max(40, self.query_one("#side").size.width - 3)))
        told = list(findings(found))
        # What is wrong stands first: there may be little room.
        self._say_preview("\n".join([*told, "", *lines[: len(lines) - len(told)]]))

    def _offer_columns(self, field: Field, columns: tuple[str, ...], mapped: str) -> None:
        editor = field.editor
        assert isinstance(editor, Select)
        chosen = field.value
        with self.prevent(Select.Changed):
            editor.set_options(offered([BY_NAME, *((column, column) for column in columns)]))
            editor.value = chosen if chosen in columns else ""
        field.say("", note=f"from {mapped!r}" if mapped else "there is none")

    # Where it is computed

    def _find_devices(self) -> None:
        try:
            devices = available()
        except ZooError as error:
            told = error
            self.zoo.feed.later(lambda: self.zoo.show_error(told))
            return
        self.later(lambda: self._offer_devices(devices))

    def _offer_devices(self, devices: tuple[Device, ...]) -> None:
        from zoo.progress import size

        field = self.field("device")
        assert isinstance(field.editor, Select)
        named = [(f"{one.name}: {one.description}", one.name) for one in devices]
        with self.prevent(Select.Changed):
            chosen = field.value
            field.editor.set_options(offered([(AUTO, AUTO), *named]))
            field.editor.value = chosen
        free = ", ".join(f"{one.name} {size(one.free_bytes)} free" for one in devices if one.free_bytes is not None)
        field.say("", note=free)

    # The start

    def action_start(self) -> None:
        """Check everything, show the plan, start."""
        if self._busy:
            return
        faults = [field for field in self.query(Field) if field.has_class("-wrong")]
        if faults:
            faults[0].editor.focus()
            self.notify(f"{faults[0].field_name} will not do as it is", severity="error", markup=False)
            return
        if not self.value("data"):
            self.field("data").editor.focus()
            self.field("data").say("say which data")
            return
        self._busy = True
        self.notify("checking", timeout=2)
        self.run_worker(self._check, thread=True, group="start", exit_on_error=False)

    def _check(self) -> None:
        try:
            request = self.request()
        except ZooError as error:
            told = error
            self.zoo.feed.later(lambda: self._refuse(told))
        except Exception as error:
            odd = ZooError(f"{type(error).__name__}: {error}", "please report it")
            self.zoo.feed.later(lambda: self._refuse(odd))
        else:
            self.later(lambda: self._show_plan(request))

    def _refuse(self, error: ZooError) -> None:
        self._busy = False
        self.zoo.show_error(error)

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        return [
            ("model", request.model),
            ("data", short_path(request.data.path)),
            ("device", f"{request.device}, {request.precision}"),
            ("because", request.device_reason),
        ]

    def _show_plan(self, request: RunRequest) -> None:
        self._busy = False
        lines = [f"{name:<12} {one_line(value)}" for name, value in self.plan(request) if value]

        def answered(yes: bool | None) -> None:
            if yes:
                self._busy = True
                self.run_worker(lambda: self._start(request), thread=True, group="start", exit_on_error=False)

        self.app.push_screen(ConfirmScreen(f"{self.verb} {self.card.name}", "\n".join(lines), "Start"), answered)

    def _start(self, request: RunRequest) -> None:
        try:
            run = start(request)
        except ZooError as error:
            told = error
            self.zoo.feed.later(lambda: self._refuse(told))
            return
        self.later(lambda: self._watch(run.name))

    def _watch(self, name: str) -> None:
        self.app.pop_screen()
        self.zoo.open_run(name)
