"""The form of a fine-tuning or pretraining."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Collapsible

from zoo.api import Run, start_sequence
from zoo.card import Card, Verb
from zoo.catalog import Catalog
from zoo.data import Dataset, split
from zoo.errors import OptionInvalid, ZooError
from zoo.file_cache import read_once
from zoo.hyperparameters import MixingOptions, TeachingOptions
from zoo.job_sequences import JobSequence
from zoo.jobs import Job, Place
from zoo.kinds.spelling import distinct_names
from zoo.options import schema
from zoo.plugins import load_plugin
from zoo.plurals import counted
from zoo.ranking import FROM_SCRATCH
from zoo.requests import check_job
from zoo.runs.request import RunRequest
from zoo.sources import Source, check_source_name
from zoo.tui.commands import place_flags
from zoo.tui.form_errors import FieldError
from zoo.tui.path_text import short_path
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.screens.job_form import JobForm
from zoo.tui.screens.plan import PlanScreen
from zoo.tui.screens.source import SourceScreen, entered_weight, weight_fault, weight_field
from zoo.tui.widgets.added_sources import AddedSource, AddedSources
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import Field, text_field
from zoo.tui.widgets.option_fields import OptionFields
from zoo.tui.widgets.teacher_field import TeacherField
from zoo.tui.widgets.then_fields import ThenFields

SHOWN_LABELS = 8


class TrainScreen(JobForm):
    """Train a model on your data."""

    PATHS: ClassVar[tuple[str, ...]] = ("data", "eval")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "add_source", "Add a source", priority=True),
        Binding("ctrl+r", "remove_source", "Remove the last source", priority=True, show=False),
    ]

    def __init__(self, card: Card, verb: Verb) -> None:
        super().__init__(card, verb, verb)
        self._training: Verb = verb
        self._rows = ""
        self._others: list[Source] = []
        """What is learnt from beside the data of the form."""
        self._followers: list[RunRequest] = []
        """What is done next, as it was checked."""

    def fields(self) -> ComposeResult:
        """Data, its columns, what to evaluate on; who teaches, how several sources are mixed, what is done next."""
        yield text_field("data", "data", path=True)
        yield text_field(
            "eval",
            "evaluate on",
            placeholder="a share held out",
            path=True,
            help="Evaluation data of its own; without it a share of the rows is held out, see eval share.",
        )
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        if self._training == "finetune":
            yield from self._fields_of_sources()
        yield ThenFields()

    def _fields_of_sources(self) -> ComposeResult:
        with Collapsible(title="learn from the answers of another model, too", id="teaching"):
            yield TeacherField(self.card)
            yield OptionFields(schema(TeachingOptions), title="", folded=False)
        with Vertical(id="several"):
            help_text = "Of the data above; its head is called so."
            yield text_field("source", "source name", value="first", help=help_text)
            yield weight_field()
            yield AddedSources()
            yield OptionFields(schema(MixingOptions), title="how the sources are mixed", id="mixing")

    def on_mount(self) -> None:  # Textual calls those of the classes above, too
        if self._training == "finetune":
            self.find_teachers()

    def job(self) -> Job:
        job = self.job_of(self._training, self.source(eval_data=self.value("eval") or None))
        if not self._others:
            return job
        weight = entered_weight(self.value("weight"))
        own = msgspec.structs.replace(job.source, name=self.value("source"), task=self.ability.task, weight=weight)
        return msgspec.structs.replace(job, source=own, others=tuple(self._others), task="")

    @property
    def changed_options(self) -> dict[str, Any]:
        """Without how sources are mixed, where there is one."""
        ignored = frozenset() if self._others else frozenset(MixingOptions.__struct_fields__)
        return {name: value for name, value in super().changed_options.items() if name not in ignored}

    def find_fault(self, field: Field) -> ZooError | None:
        if not self._others and any(one.id == "several" for one in field.ancestors):
            return None
        if field.field_name == "weight":
            return weight_fault(self.value("weight"))
        if field.field_name == "source":
            try:
                check_source_name(self.value("source"), [source.name for source in self._others])
            except OptionInvalid as error:
                return error
        return super().find_fault(field)

    @property
    def unsaved(self) -> str:
        return super().unsaved or ("the sources you added" if self._others else "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "add_source":
            return self._training == "finetune" and "body" in load_plugin(self.card.plugin).hooks
        return bool(self._others) if action == "remove_source" else super().check_action(action, parameters)

    def action_add_source(self) -> None:
        """Learn from more data, with a head of its own on the same body."""
        names = [self.value("source"), *(source.name for source in self._others)]
        self.app.push_screen(SourceScreen(self.card, names, self._add_source))

    def action_remove_source(self) -> None:
        """Leave the source out that was added last."""
        self._others.pop()
        self._show_others()

    def on_added_source_chosen(self, event: AddedSource.Chosen) -> None:
        place, others = event.place, self._others
        if place >= len(others):  # it is about to go
            return
        names = [self.value("source"), *(one.name for one in others if one is not others[place])]
        self.app.push_screen(SourceScreen(self.card, names, partial(self._change_source, place), others[place]))

    def on_added_source_removed(self, event: AddedSource.Removed) -> None:
        if event.place < len(self._others):
            self._others.pop(event.place)
            self._show_others()

    def _add_source(self, source: Source) -> None:
        self._others.append(source)
        self._show_others()

    def _change_source(self, place: int, source: Source) -> None:
        self._others[place] = source
        self._show_others()

    def _show_others(self) -> None:
        self.call_later(self.query_one(AddedSources).show, tuple(self._others))
        self.query_one("#several").set_class(bool(self._others), "-several")
        self.refresh_bindings()
        self.show_command()

    def flags(self) -> dict[str, object]:
        flags = _flags(self.job()) if self._others else super().flags()
        return flags | {"then": list(self.query_one(ThenFields).entered.values())}

    def request(self) -> RunRequest:
        """Check everything, and describe the rows."""
        with read_once(self.files):
            job = self.job()
            request, dataset, _ = check_job(job)
            request, *self._followers = self._with_followers(request, job.place)
        self._rows = _describe_rows(request, dataset) if dataset else ""
        return request

    def _with_followers(self, request: RunRequest, place: Place) -> list[RunRequest]:
        """The request, and those of what is done next.

        Raises:
            FieldError: one of the commands cannot be read, or what it asks for cannot serve.
        """
        if not (commands := self.query_one(ThenFields).entered):
            return [request]
        from zoo.cli.then_args import add_command

        jobs = JobSequence(request, Catalog.load())
        for field, text in commands.items():
            try:
                add_command(text, jobs, place)
            except ZooError as error:
                raise FieldError(field, error) from error
        return jobs.requests

    def start(self, request: RunRequest) -> Run:
        return start_sequence((request, *self._followers))[0] if self._followers else super().start(request)

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        return [
            *super().plan(request),
            ("starts", FROM_SCRATCH if self.card.weights is None else ""),
            ("teacher", request.teacher.model if request.teacher else ""),
            *((f"source {one.name}", f"{one.task}, {short_path(one.data.path)}") for one in request.sources),
            ("evaluate on", short_path(request.data.eval_path) if request.data.eval_path else ""),
            ("rows", self._rows),
            *(("then", f"{one.verb} as {one.name}, on {short_path(one.data.path)}") for one in self._followers),
        ]

    def question(self, request: RunRequest, title: str, plan: str) -> ConfirmScreen:
        """Find out steps, learning rate and time meanwhile."""
        return PlanScreen(title, plan, request, self.files)


def _flags(job: Job) -> dict[str, object]:
    """A job with several sources as flags of a command."""
    sources = (job.source, *job.others)
    return {
        "source": [f"{one.name}={one.data}{'@' if one.task else ''}{one.task}" for one in sources],
        "eval": [f"{one.name}={one.eval_data}" for one in sources if one.eval_data],
        "weight": [f"{one.name}={one.weight:g}" for one in sources if one.weight != 1],
        "teacher": [f"{one.name}={one.teacher}" for one in sources if one.teacher],
        "column": [f"{one.name}.{role}={name}" for one in sources for role, name in one.columns.items()],
        "separator": [f"{one.name}={one.separator}" for one in sources if one.separator],
        "classes": [f"{one.name}={one.classes}" for one in sources if one.classes],
        "merge_labels_of": [one.name for one in sources if one.merge_labels],
        "name": job.name,
        **place_flags(str(job.place.device), str(job.place.precision), job.place.on),
        **job.options,
    }


def _describe_rows(request: RunRequest, data: Dataset) -> str:
    """What the rows are, in one line."""
    parts = [f"{len(data.examples):,} usable"]
    if data.untargeted:
        parts.append(f"{len(data.untargeted):,} learnt from the teacher alone")
    if data.rejected:
        parts.append(f"{len(data.rejected):,} set aside")
    if data.labels:
        names = list(distinct_names(data.labels).values())
        parts.append(f"{counted(len(names), 'class')}: {', '.join(names[:8])}" + ("..." if names[8:] else ""))
    if not request.data.eval_path:
        held_out = split(data, request.options["eval_share"], request.options["seed"], target=data.target)[1]
        parts.append(f"{len(held_out):,} held out")
    return ", ".join(parts)
