"""What the forms that start a run share: data and its preview, place, options, command, the check before the start."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.timer import Timer
from textual.widgets import Input, Static

from zoo.abilities import likely_tasks
from zoo.api import start
from zoo.card import Card, Verb
from zoo.devices import Device, available
from zoo.errors import DatasetInvalid, OptionInvalid, ZooError
from zoo.options import schema
from zoo.requests import Job, Place, Source, check_name
from zoo.runs.request import RunRequest, RunVerb
from zoo.sanitize import one_line, plain
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.tui.commands import command_line
from zoo.tui.form_errors import in_words_of_form
from zoo.tui.path_text import short_path
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.screens.form import FieldList, Form
from zoo.tui.screens.plan import PLAN_WIDTH
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.data_preview import DataPreview, DataQuery
from zoo.tui.widgets.fields import AUTO, Field, choice_field, text_field
from zoo.tui.widgets.option_fields import OptionFields

PREVIEW_S = 0.4
"""The data is looked at once nothing was typed for so long."""
LOOKED_AT_WITH = ("separator", "merge_labels", "max_tokens")
"""Fields that decide, beside the paths and the columns, what is found in the data."""


class RunForm(Form):
    """A form whose end is a run: data, model, place, options.

    Args:
        card: the model.
        verb: the command it stands for.
        model_verb: the verb of the model that the command needs.
    """

    CSS_PATH = "run_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", priority=True),
        Binding("ctrl+o", "pick", "Choose a file", priority=True),
        Binding("ctrl+y", "copy_command", "Copy the command", priority=True),
    ]
    PATHS: ClassVar[tuple[str, ...]] = ("data",)
    """Fields that hold paths of what is read."""

    def __init__(self, card: Card, verb: str, model_verb: Verb) -> None:
        super().__init__()
        self.card, self.verb, self.model_verb = card, verb, model_verb
        self.tasks = card.tasks_of(model_verb)
        """Those that can be chosen."""
        self.likely = likely_tasks(card, model_verb) or self.tasks[:1]
        """Those that the data may be for."""
        self.ability = card.ability(model_verb, next(iter(self.likely), ""))
        self.trained = card.columns
        self._task_chosen = False
        """Whether a person chose the task; else the data do."""
        self._preview_timer: Timer | None = None
        self._columns_of: DataQuery | None = None
        """The data whose columns are offered."""
        self._go_on = False
        """Whether the focus goes to the next field once the columns are known."""
        self._busy = False

    @property
    def task_(self) -> Task:
        """What the model shall do."""
        return get_task(self.ability.task)

    def body(self) -> ComposeResult:
        yield Static(f"{self.verb} {one_line(self.card.name)}", id="title", markup=False)
        with Container(id="halves"):
            with FieldList(id="form"):
                if len(self.tasks) > 1:
                    yield choice_field(
                        "task",
                        "task",
                        [(name, name) for name in self.tasks],
                        self.ability.task,
                        help="What the model shall do; the data say which is likely.",
                    )
                yield from self.fields()
                yield Static("where", classes="section", markup=False)
                yield choice_field("device", "device", [(AUTO, AUTO)], AUTO, note="looking what is here")
                yield choice_field("precision", "precision", [(p, p) for p in ("auto", *self.ability.precisions)], AUTO)
                yield text_field("name", "name", placeholder="made up from model and verb", note="of the run")
                yield OptionFields(schema(self.ability.options))
            with VerticalScroll(id="side", can_focus=False):
                yield Static("", id="help", markup=False)
                yield DataPreview(
                    self.card,
                    self.verb,
                    needs_label=self.needs_label,
                    advice=self.advice(),
                    labels=lambda: self.labels,
                    id="preview",
                )
        yield Static("", id="notice", markup=False)
        yield Static("", id="command", markup=False)

    @abstractmethod
    def fields(self) -> ComposeResult:
        """What stands above place and options."""

    @abstractmethod
    def request(self) -> RunRequest:
        """Check everything and put it into words; in a thread.

        Raises:
            ZooError: what cannot serve.
        """

    def advice(self) -> str:
        """What is said while there is no data to look at."""
        advice = self.task_.input.data_advice
        return f"Give the data: {advice}. It is looked at here before anything starts. Ctrl-O lets you choose it."

    def on_mount(self) -> None:
        self.field("data").editor.focus()
        self.run_worker(self._find_devices, thread=True, group="devices", exit_on_error=False)
        self._show_command()

    def job(self, verb: RunVerb, source: Source, *, out: str = "", keep: str = "") -> Job:
        """What is asked for, as it stands in the form."""
        return Job(
            verb=verb,
            model=self.card.full_name,
            task=self.ability.task,
            source=source,
            place=Place(device=self.value("device"), precision=self.value("precision")),
            options=self.query_one(OptionFields).changed_options,
            name=self.value("name"),
            out=out,
            keep=keep,
        )

    def source(self, *, eval_data: str | None = None) -> Source:
        """The data, as it stands in the form."""
        return Source(
            data=self.value("data"),
            eval_data=eval_data,
            columns=self.columns.named,
            separator=self.columns.separator,
            merge_labels=self.columns.merges_labels,
        )

    def find_fault(self, field: Field) -> ZooError | None:
        if fault := self.query_one(OptionFields).find_fault(field):
            return fault
        value = self.value(field.field_name)
        if field.field_name in self.PATHS and value and not Path(value).expanduser().exists():
            return DatasetInvalid("no such file or folder")
        if field in self.columns.fields:
            return self.columns.find_fault(field)
        try:
            if field.field_name == "name":
                check_name(value, (line.card for line in self.zoo.feed.models))
        except OptionInvalid as error:
            return error
        return None

    def changed(self, field: Field) -> None:
        """Check the field, and look at the data where it is about that."""
        name = field.field_name
        if name == "task":
            self._task_chosen = True
            self.run_worker(self._use_task(field.value), group="task", exclusive=True)
            return
        if name in self.PATHS:  # what is wrong with other data shows once nothing is typed for a moment
            for about_data in (field, *self.columns.fields):
                about_data.set_fault("")
            self.show_notice("")
        else:
            super().changed(field)
        self._show_command()
        if name in (*self.PATHS, *LOOKED_AT_WITH) or field in self.columns.fields:
            if self._preview_timer is not None:
                self._preview_timer.stop()
            self._preview_timer = self.set_timer(PREVIEW_S, self._look_at_data)

    def submitted(self, editor: Input) -> None:
        """Go to the column that is missing or guessed, once the data is given; elsewhere to the next field."""
        if editor is not self.field("data").editor or not self.value("data"):
            super().submitted(editor)
            return
        self._go_on = True
        self._look_at_data()
        if self.query_one(DataPreview).query_now == self._columns_of:
            self._go_on_from_data()

    @property
    def needs_label(self) -> bool:
        """Whether the data must have labels."""
        return self.task_.target is not None

    @property
    def columns(self) -> ColumnFields:
        """The fields of the data's columns."""
        return self.query_one(ColumnFields)

    async def _use_task(self, name: str) -> None:
        """Let the form be about another task; what was entered stays where it has a place."""
        self.ability = self.card.ability(self.model_verb, name)
        precision = self.value("precision")
        await self.columns.use(self.task_)
        await self.query_one(OptionFields).use(schema(self.ability.options))
        precisions = ("auto", *self.ability.precisions)
        self.field("precision").offer([(p, p) for p in precisions], precision if precision in precisions else AUTO)
        self._show_command()
        self._look_at_data()

    # The command

    def command(self) -> str:
        """What one would type instead."""
        flags: dict[str, object] = {name: self.value(name) for name in ("data", "eval", "out", "errors", "name")}
        flags |= self.columns.flags | {"task": self.ability.task if len(self.tasks) > 1 else ""}
        places = {name: self.value(name) for name in ("device", "precision") if self.value(name) != AUTO}
        return command_line(
            self.verb, self.card.name, flags=flags | places | self.query_one(OptionFields).changed_options
        )

    def _show_command(self) -> None:
        self.query_one("#command", Static).update(plain(f"$ {self.command()}"))

    def action_copy_command(self) -> None:
        """Copy what one would type instead."""
        self.zoo.copy(self.command())

    # The data, looked at while the rest is filled in

    def action_pick(self) -> None:
        """Choose the file or folder."""
        from zoo.tui.screens.pick import PickScreen

        focused = self.focused
        name = next((n for n in self.PATHS if focused is self.field(n).editor), self.PATHS[0])
        field = self.field(name)

        def enter_choice(path: Path | None) -> None:
            if path is not None:
                field.editor.value = str(path)  # type: ignore[attr-defined]  # fields of paths are lines of text
                field.editor.focus()
                self._go_on = name == "data"

        self.app.push_screen(PickScreen(str(field.value)), enter_choice)

    def _look_at_data(self) -> None:
        if self._preview_timer is not None:
            self._preview_timer.stop()
        for name in self.PATHS:
            if self.value(name):
                self.check(self.field(name))
        wrong = any(self.field(name).has_fault for name in self.PATHS)
        self.query_one(DataPreview).look(DataQuery() if wrong else self.data_query())

    def data_query(self) -> DataQuery:
        """The data that is meant now."""
        return DataQuery(
            path=self.value("data"),
            eval_path=self.value("eval"),
            columns=tuple(self.columns.chosen.items()),
            separator=self.columns.separator,
            merge=self.columns.merges_labels,
            task=self.ability.task,
            tasks=() if self._task_chosen else self.likely,
            max_tokens=self.value("max_tokens"),
        )

    def on_data_preview_failed(self, event: DataPreview.Failed) -> None:
        if self.query_one(DataPreview).is_current(event):
            of_evaluation = event.query.eval_path and event.query.eval_path in event.error.message
            self.show_error(event.error, "eval" if of_evaluation else "data")

    def on_data_preview_columns_read(self, event: DataPreview.ColumnsRead) -> None:
        if self.query_one(DataPreview).is_current(event):
            if event.likely.task.name != self.ability.task:
                self.field("task").offer([(name, name) for name in self.tasks], event.likely.task.name)
                self.run_worker(self._use_task(event.likely.task.name), group="task", exclusive=True)
                return
            if len(self.tasks) > 1:
                self.field("task").set_note("" if self._task_chosen else "as the data look")
            self._columns_of = event.query
            self.columns.offer(event.choice)
            self._show_command()
            self._go_on_from_data()

    def _go_on_from_data(self) -> None:
        """Go to the column that is missing; to one that was guessed where the person is done with the data."""
        if self.focused is self.field("data").editor:
            if self.columns.missing:
                self.go_to(self.columns.missing[0])
            elif self._go_on:
                self.go_to(self.columns.guessed[0]) if self.columns.guessed else self.app.action_focus_next()
        self._go_on = False

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
        choices = [(f"{one.name}: {one.description}", one.name) for one in devices]
        field.offer([(AUTO, AUTO), *choices], str(field.value))
        field.set_note(", ".join(f"{d.name} {size(d.free_bytes)} free" for d in devices if d.free_bytes is not None))

    # The start

    def action_start(self) -> None:
        """Check everything, show the plan, start."""
        if self._busy:
            return
        for field in self.query(Field):
            self.take_note(field)
            self.check(field)
        if not self.value("data"):
            self.field("data").set_fault("say which data")
        faults = [field for field in self.query(Field) if field.has_fault]
        if faults:
            self.go_to(faults[0])
            return
        self._busy = True
        self.show_notice("checking")
        self.run_worker(self._check, thread=True, group="start", exit_on_error=False)

    def _check(self) -> None:
        try:
            request = self.request()
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
        return [
            ("model", request.model),
            ("data", short_path(request.data.path)),
            ("device", f"{request.device}, {request.precision}"),
            ("because", request.device_reason),
        ]

    def _show_plan(self, request: RunRequest) -> None:
        self._busy = False
        if not self.is_active:  # the person looks at something else meanwhile
            self.show_notice("checked; Ctrl-S shows what would be done")
            return
        self.show_notice("")
        text = "\n".join(f"{name:<{PLAN_WIDTH}}{one_line(value)}" for name, value in self.plan(request) if value)
        question = self.question(request, f"{self.verb} {self.card.name}", text)

        def on_answer(yes: bool | None) -> None:
            if yes:
                self._busy = True
                self.run_worker(lambda: self._start(request, question), thread=True, group="start", exit_on_error=False)

        self.app.push_screen(question, on_answer)

    def question(self, request: RunRequest, title: str, plan: str) -> ConfirmScreen:
        """What asks whether to start."""
        return ConfirmScreen(title, plan, "Start")

    def _start(self, request: RunRequest, question: ConfirmScreen) -> None:
        try:
            question.clear_up()
            run = start(request)
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
