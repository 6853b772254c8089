"""A form of a job of one model: its data, place and options."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from zoo import settings
from zoo.ability_options import option_set
from zoo.devices import Device, available
from zoo.errors import ZooError
from zoo.file_cache import read_once
from zoo.jobs import Job, Place
from zoo.options import Option, schema
from zoo.places.kinds import HERE
from zoo.requests import check_job
from zoo.runs.request import RunRequest, RunVerb
from zoo.sources import Source
from zoo.tui.commands import command_line, place_flags
from zoo.tui.form_errors import in_words_of_form
from zoo.tui.screens.data_form import DataForm
from zoo.tui.screens.run_form import RunForm
from zoo.tui.widgets.fields import AUTO, Field, choice_field
from zoo.tui.widgets.option_fields import OptionFields


class JobForm(DataForm, RunForm):
    """A form of what a model shall do, whose end is a run; arguments as for `DataForm`."""

    NEEDS_DATA: ClassVar[bool] = True
    """Whether nothing can be done without any."""
    ASKS_PRECISION: ClassVar[bool] = True
    """Whether a person decides in which precision it is computed, and the command has a flag for it."""

    def form(self) -> ComposeResult:
        """The task, what the subclass asks for, the place, the options."""
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
        yield from self.place_fields()
        usual, precision = settings.value("device"), settings.value("precision")
        names = dict.fromkeys((AUTO, usual))
        yield choice_field("device", "device", [(d, d) for d in names], usual, note="looking what is here")
        known = (AUTO, *self.ability.precisions)
        usual = precision if precision in known else AUTO
        yield choice_field("precision", "precision", [(p, p) for p in known], usual)
        yield self.name_field()
        yield OptionFields(self.shown_options(), id="options")

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
        with read_once(self.files):
            return check_job(self.job()).request

    @abstractmethod
    def job(self) -> Job:
        """What is asked for, as it stands in the form."""

    def on_mount(self) -> None:
        self.field("data").editor.focus()
        self.field("precision").display = self.ASKS_PRECISION
        self.run_worker(self._find_devices, thread=True, group="devices", exit_on_error=False)
        self.show_command()

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
        return next(filter(None, faults), None) or super().find_fault(field)

    def changed(self, field: Field) -> None:
        """Check the field; the command is another one."""
        super().changed(field)
        self.show_command()

    def find_missing(self) -> None:
        if self.NEEDS_DATA and not self.value("data"):
            self.field("data").set_fault("say which data")

    def columns_offered(self) -> None:
        self.show_command()

    async def use_task(self, name: str) -> None:
        precision = self.value("precision")
        await super().use_task(name)
        await self.query_one("#options", OptionFields).use(self.shown_options())
        precisions = ("auto", *self.ability.precisions)
        self.field("precision").offer([(p, p) for p in precisions], precision if precision in precisions else AUTO)
        self.show_command()

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
