"""A form of a job: its data, place and options, the command that stands for it, the check before its run starts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from zoo import settings
from zoo.ability_options import option_set
from zoo.api import Run, start
from zoo.card import Card, Verb
from zoo.devices import Device, available
from zoo.errors import OptionInvalid, ZooError
from zoo.file_cache import read_once
from zoo.jobs import Job, Place
from zoo.options import Option, schema
from zoo.places.kinds import HERE
from zoo.places.table import places
from zoo.requests import check_job, check_name
from zoo.run_messages import place_in_queue
from zoo.runs import queue
from zoo.runs.request import RunRequest, RunVerb
from zoo.sanitize import one_line, plain
from zoo.sources import Source
from zoo.tui.commands import command_line, place_flags
from zoo.tui.form_errors import in_words_of_form
from zoo.tui.path_text import short_path
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.screens.data_form import DataForm
from zoo.tui.screens.form import FieldList
from zoo.tui.screens.plan import PLAN_WIDTH
from zoo.tui.widgets.fields import AUTO, Field, choice_field, text_field
from zoo.tui.widgets.option_fields import OptionFields


class JobForm(DataForm):
    """A form of what a model shall do, whose end is a run; arguments as for `DataForm`."""

    CSS_PATH = "job_form.tcss"
    NEEDS_DATA: ClassVar[bool] = True
    """Whether nothing can be done without any."""
    ASKS_PRECISION: ClassVar[bool] = True
    """Whether a person decides in which precision it is computed, and the command has a flag for it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", priority=True),
        Binding("ctrl+o", "pick", "Choose a file", priority=True),
        Binding("ctrl+y", "copy_command", "Copy the command", priority=True),
    ]

    def __init__(self, card: Card, verb: str, model_verb: Verb) -> None:
        super().__init__(card, verb, model_verb)
        self._busy = False
        """Whether a request is checked, or a run started."""
        self._place_in_queue = queue.Standing(1)
        """Where the run would have to wait."""

    def body(self) -> ComposeResult:
        yield Static(one_line(self.heading), id="title", markup=False)
        with Container(id="halves"):
            with FieldList(id="form"):
                if len(self.task_names) > 1:
                    yield choice_field(
                        "task",
                        "task",
                        [(name, name) for name in self.task_names],
                        self.ability.task,
                        help="What the model shall do; the data say which is likely.",
                    )
                yield from self.fields()
                yield Static("where", classes="section", markup=False)
                there, trouble = _places()
                if len(there) > 1 or trouble:
                    yield choice_field("on", "place", [(name, name) for name in there], HERE, note=trouble)
                usual, precision = settings.value("device"), settings.value("precision")
                names = dict.fromkeys((AUTO, usual))
                yield choice_field("device", "device", [(d, d) for d in names], usual, note="looking what is here")
                known = (AUTO, *self.ability.precisions)
                usual = precision if precision in known else AUTO
                yield choice_field("precision", "precision", [(p, p) for p in known], usual)
                yield text_field("name", "name", placeholder="made up from model and verb", note="of the run")
                yield OptionFields(self.shown_options(), id="options")
            with Container(id="side"):
                yield from self.side()
        yield Static("", id="notice", markup=False)
        yield Static("", id="command", markup=False)

    @property
    def heading(self) -> str:
        """What is done, in a line."""
        return f"{self.verb} {self.card.name}"

    def shown_options(self) -> Sequence[Option]:
        """Those of the ability that can be set."""
        return schema(option_set(self.ability))

    @abstractmethod
    def fields(self) -> ComposeResult:
        """What stands above place and options."""

    def request(self) -> RunRequest:
        """Check everything; the data is read whole, in a thread.

        Raises:
            ZooError: what cannot serve.
        """
        with read_once(self.files):
            return check_job(self.job()).request

    @abstractmethod
    def job(self) -> Job:
        """What is asked for, as it stands in the form."""

    def on_mount(self) -> None:
        self.field("data").editor.focus()
        self.field("precision").display = self.ASKS_PRECISION
        self.run_worker(self._find_devices, thread=True, group="devices", exit_on_error=False)
        self._show_command()

    def job_of(self, verb: RunVerb, source: Source, *, out: str = "", keep: str = "", draw: str = "") -> Job:
        """A job of the model and of what the fields say that all forms have."""
        return Job(
            verb=verb,
            model=self.card.full_name,
            task=self.ability.task,
            source=source,
            place=Place(device=self.value("device"), precision=self.value("precision"), on=self.on),
            options=self.changed_options,
            name=self.value("name"),
            out=out,
            keep=keep,
            draw=draw,
        )

    @property
    def changed_options(self) -> dict[str, Any]:
        """The options that a person has set."""
        return {name: value for one in self.walk_children(OptionFields) for name, value in one.changed_options.items()}

    @property
    def on(self) -> str:
        """The place that the run is handed over to; empty for this machine."""
        chosen = self.value("on")
        return "" if chosen == HERE else chosen

    def find_fault(self, field: Field) -> ZooError | None:
        faults = (one.find_fault(field) for one in self.walk_children(OptionFields))
        if fault := next(filter(None, faults), None) or super().find_fault(field):
            return fault
        if field.field_name != "name":
            return None
        try:
            check_name(self.value("name"), (line.card for line in self.zoo.feed.models))
        except OptionInvalid as error:
            return error
        return None

    def changed(self, field: Field) -> None:
        """Check the field; the command is another one."""
        super().changed(field)
        self._show_command()

    def columns_offered(self) -> None:
        self._show_command()

    async def use_task(self, name: str) -> None:
        precision = self.value("precision")
        await super().use_task(name)
        await self.query_one("#options", OptionFields).use(self.shown_options())
        precisions = ("auto", *self.ability.precisions)
        self.field("precision").offer([(p, p) for p in precisions], precision if precision in precisions else AUTO)
        self._show_command()

    # The command

    def command(self) -> str:
        """What one would type instead."""
        return command_line(self.verb, self.card.name, flags=self.flags())

    def flags(self) -> dict[str, object]:
        """Of the command: name to value, as `command_line` takes them."""
        flags: dict[str, object] = {
            name: self.value(name) for name in ("data", "eval", "teacher", "out", "errors", "name")
        }
        flags |= self.columns.flags | {"task": self.ability.task if len(self.task_names) > 1 else ""}
        place = place_flags(self.value("device"), self.value("precision"), self.on)
        if not self.ASKS_PRECISION:
            place.pop("precision", None)
        return flags | place | self.changed_options

    def _show_command(self) -> None:
        self.query_one("#command", Static).update(plain(f"$ {self.command()}"))

    def action_copy_command(self) -> None:
        """Copy what one would type instead."""
        self.zoo.copy(self.command())

    # Where it is computed

    def _find_devices(self) -> None:
        try:
            devices = available()
        except ZooError as error:
            failure = error
            self.later(lambda: self.field("device").set_fault(in_words_of_form(failure, self.labels)))
            return
        self.later(lambda: self._offer_devices(devices))

    def _offer_devices(self, devices: tuple[Device, ...]) -> None:
        from zoo.units import size

        field = self.field("device")
        choices = [(AUTO, AUTO), *((f"{one.name}: {one.description}", one.name) for one in devices)]
        if (usual := settings.value("device")) not in [name for _, name in choices]:  # a kind of them, or none of them
            choices.append((usual, usual))
        field.offer(choices, str(field.value))
        field.set_note(", ".join(f"{d.name} {size(d.free_bytes)} free" for d in devices if d.free_bytes is not None))

    # The start

    def action_start(self) -> None:
        """Check everything, show the plan, start."""
        if self._busy:
            return
        for field in self.walk_children(Field):
            self.take_note(field)
            self.check(field)
        if self.NEEDS_DATA and not self.value("data"):
            self.field("data").set_fault("say which data")
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
        except ZooError as error:
            failure = error
            self.later(lambda: self._refuse(failure))
        except Exception as error:
            odd = ZooError(f"{type(error).__name__}: {error}", "please report it")
            self.later(lambda: self._refuse(odd))
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
        except ZooError as error:
            failure = error
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
