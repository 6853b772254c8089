"""A form whose end is a run: the command that stands for it, the check and the plan before it starts."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from zoo.api import Run, start
from zoo.errors import OptionInvalid, ZooError
from zoo.file_cache import FileCache, read_once
from zoo.places.kinds import HERE
from zoo.places.table import places
from zoo.requests import check_name
from zoo.run_messages import place_in_queue
from zoo.runs import queue
from zoo.runs.request import RunRequest
from zoo.sanitize import one_line, plain
from zoo.tui.form_errors import in_words
from zoo.tui.path_text import short_path
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.screens.form import FieldList, Form
from zoo.tui.screens.plan import PLAN_WIDTH
from zoo.tui.widgets.fields import Field, choice_field, text_field


class RunForm(Form):
    """A form of what shall be done, whose end is a run."""

    CSS_PATH = "job_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", priority=True),
        Binding("ctrl+o", "pick", "Choose a file", priority=True),
        Binding("ctrl+y", "copy_command", "Copy the command", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.files = FileCache()
        """Of the data, as far as they were read."""
        self._busy = False
        """Whether a request is checked, or a run started."""
        self._place_in_queue = queue.Standing(1)
        """Where the run would have to wait."""

    def body(self) -> ComposeResult:
        yield Static(one_line(self.heading), id="title", markup=False)
        with Container(id="halves"):
            with FieldList(id="form"):
                yield from self.form()
            with Container(id="side"):
                yield from self.side()
        yield Static("", id="notice", markup=False)
        yield Static("", id="command", markup=False)

    @property
    @abstractmethod
    def heading(self) -> str:
        """What is done, in a line."""

    @abstractmethod
    def form(self) -> ComposeResult:
        """The fields."""

    @abstractmethod
    def side(self) -> ComposeResult:
        """What stands beside them, `#help` in it."""

    @abstractmethod
    def command(self) -> str:
        """What one would type instead."""

    @abstractmethod
    def request(self) -> RunRequest:
        """Check everything; the data is read whole, in a thread.

        Raises:
            ZooError: what cannot serve.
        """

    def place_fields(self, usual: str = HERE) -> ComposeResult:
        """Of where it is done, where there are places.

        Args:
            usual: what is chosen at first; it stands above all places where it is none.
        """
        there, trouble = _places()
        if len(there) > 1 or trouble:
            names = dict.fromkeys((usual, *there))
            yield choice_field("on", "place", [(name, name) for name in names], usual, note=trouble)

    def name_field(self) -> Field:
        """Of the name of the run."""
        return text_field("name", "name", placeholder="made up from model and verb", note="of the run")

    def find_fault(self, field: Field) -> ZooError | None:
        if field.field_name != "name":
            return super().find_fault(field)
        try:
            check_name(self.value("name"), (line.card for line in self.zoo.feed.models))
        except OptionInvalid as error:
            return error
        return None

    def show_command(self) -> None:
        """Show what one would type instead."""
        self.query_one("#command", Static).update(plain(f"$ {self.command()}"))

    def action_copy_command(self) -> None:
        """Copy what one would type instead."""
        self.zoo.copy(self.command())

    def find_missing(self) -> None:
        """Set the faults of fields that nothing can be done without."""

    def action_start(self) -> None:
        """Check everything, show the plan, start."""
        if self._busy:
            return
        for field in self.walk_children(Field):
            self.take_note(field)
            self.check(field)
        self.find_missing()
        faults = [field for field in self.walk_children(Field) if field.has_fault]
        if faults:
            self.go_to(faults[0])
            return
        self._busy = True
        self.show_notice("checking")
        self.run_worker(self._check, thread=True, group="start", exit_on_error=False)

    def _check(self) -> None:
        try:
            request = self.request()
            self._place_in_queue = queue.place_at_end(request)
        except Exception as error:  # of data, of a plugin: the form says it, and does not wait for ever
            failure = in_words(error)
            self.later(lambda: self._refuse(failure))
        else:
            self.later(lambda: self._show_plan(request))

    def _refuse(self, error: ZooError) -> None:
        self._busy = False
        self.show_notice("")
        field = self.show_error(error)
        if field is not None:
            self.go_to(field)

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        number, behind = self._place_in_queue
        return [
            ("model", request.model),
            ("data", short_path(request.data.path)),
            ("device", f"{request.device}, {request.precision}"),
            ("because", request.device_reason),
            ("queue", place_in_queue(number, request.device, behind) if behind else ""),
        ]

    def _show_plan(self, request: RunRequest) -> None:
        self._busy = False
        if not self.is_active:  # the person looks at something else meanwhile
            self.show_notice("checked; Ctrl-S shows what would be done")
            return
        self.show_notice("")
        text = "\n".join(f"{name + ' ':<{PLAN_WIDTH}}{one_line(value)}" for name, value in self.plan(request) if value)
        question = self.question(request, self.heading, text)

        def on_answer(yes: bool | None) -> None:
            if yes:
                self._busy = True
                self.run_worker(lambda: self._start(request, question), thread=True, group="start", exit_on_error=False)

        self.app.push_screen(question, on_answer)

    def question(self, request: RunRequest, title: str, plan: str) -> ConfirmScreen:
        """What asks whether to start."""
        return ConfirmScreen(title, plan, "Start")

    def start(self, request: RunRequest) -> Run:
        """Start what was asked for, in a thread."""
        return start(request)

    def _start(self, request: RunRequest, question: ConfirmScreen) -> None:
        try:
            question.clear_up()
            with read_once(self.files):
                run = self.start(request)
        except Exception as error:
            failure = in_words(error)
            self.later(lambda: self._refuse(failure))
            return
        self.later(lambda: self._watch(run.name))

    def _watch(self, name: str) -> None:
        self._busy = False
        if self.is_active:
            self.dismiss()
            self.zoo.open_run(name)
        else:  # the person went elsewhere meanwhile
            self.notify(f"{name} has started", markup=False)


def _places() -> tuple[list[str], str]:
    """Names of the places there are, and why that is this machine alone where they cannot be read."""
    try:
        return [one.name for one in places()], ""
    except ZooError as error:
        return [HERE], error.message
