"""A form about data: its paths, its columns and its task, kept in step with a preview of what stands in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import Input, Static

from zoo.abilities import likely_tasks
from zoo.card import Ability, Card, Verb
from zoo.errors import DatasetInvalid, ZooError
from zoo.file_cache import FileCache
from zoo.sources import Source
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.tui.preview import DataQuery
from zoo.tui.screens.form import Form
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.data_preview import DataPreview
from zoo.tui.widgets.fields import Field
from zoo.tui.widgets.gallery import Gallery
from zoo.tui.widgets.teacher_field import TeacherField, teachers_of

FILE_PAUSE_S = 0.4
"""A file is looked at once nothing was typed for so long."""
FOLDER_PAUSE_S = 1.0
"""Likewise a folder, which may be only the beginning of the path that is meant."""
PREVIEW_FIELDS = ("separator", "classes", "merge_labels", "max_tokens", "teacher")
"""Fields that decide, beside the paths and the columns, what is seen in the data."""


class DataForm(Form):
    """A form whose data is looked at while the rest is filled in.

    Args:
        card: the model that the data is for.
        verb: the command that the form stands for.
        model_verb: the verb of the model that the command needs.
    """

    PATHS: ClassVar[tuple[str, ...]] = ("data",)
    """Fields that hold paths of what is read."""
    EVAL_FIELD: ClassVar[str] = "eval"
    """That of data to judge by."""

    def __init__(self, card: Card, verb: str, model_verb: Verb) -> None:
        super().__init__()
        self.card, self.verb, self.model_verb = card, verb, model_verb
        self.task_names = card.tasks_of(model_verb)
        """Those that can be chosen."""
        self.likely_task_names = likely_tasks(card, model_verb) or self.task_names[:1]
        """Those that the data may be for."""
        self.ability = card.ability(model_verb, next(iter(self.likely_task_names), ""))
        self.files = FileCache()
        """Of the data, as far as they were read."""
        self._task_chosen = False
        """Whether a person chose the task; else the data do, or what teaches."""
        self._one_task = asyncio.Lock()
        self._preview_timer: Timer | None = None
        self._previewed: DataQuery | None = None
        """The data whose columns are offered."""
        self._advances = False
        """Whether the focus goes to the next field once the columns are known."""

    @property
    def data_task(self) -> Task:
        """What the data is for."""
        return get_task(self.ability.task)

    @property
    def needs_label(self) -> bool:
        """Whether the data must have labels."""
        return self.data_task.target is not None and not self.value("teacher")

    @property
    def task_is_chosen(self) -> bool:
        """Whether a person chose the task."""
        return self._task_chosen

    @property
    def is_task_settled(self) -> bool:
        """Whether a person or the data said what is learnt, rather than nobody yet."""
        previewed = self._previewed
        return self._task_chosen or (previewed is not None and previewed.path == self.value("data"))

    @property
    def columns(self) -> ColumnFields:
        """The fields of the data's columns."""
        return self.query_one(ColumnFields)

    @property
    def preview(self) -> DataPreview:
        """What shows the data."""
        return self.query_one(DataPreview)

    def source(self, *, eval_data: str | None = None) -> Source:
        """The data, as it stands in the form."""
        return Source(
            data=self.value("data"),
            eval_data=eval_data,
            columns=self.columns.shown_columns,
            separator=self.columns.separator,
            classes=self.columns.classes_file,
            merge_labels=self.columns.merges_labels,
            teacher=self.value("teacher"),
        )

    def advice(self) -> str:
        """What is said while there is no data to look at."""
        advice = self.data_task.input.data_advice
        return f"Give the data: {advice}. It is looked at here before anything starts. Ctrl-O lets you choose it."

    def side(self) -> ComposeResult:
        """What stands beside the fields: what is said of the one that has the focus, and what the data are like."""
        with VerticalScroll(id="texts", can_focus=False):
            yield Static("", id="help", markup=False)
            labels = lambda: self.labels  # noqa: E731
            yield DataPreview(self.card, self.verb, self.files, advice=self.advice(), labels=labels, id="preview")
        yield Gallery(id="samples")

    def data_query(self) -> DataQuery:
        """The data that is meant now."""
        return DataQuery(
            path=self.value("data"),
            eval_path=self.value(self.EVAL_FIELD),
            columns=tuple(self.columns.chosen_columns.items()),
            separator=self.columns.separator,
            classes=self.columns.classes_file,
            merge=self.columns.merges_labels,
            task=self.ability.task,
            tasks=() if self._task_chosen or self.value("teacher") else self.likely_task_names,
            needs_label=self.needs_label,
            max_tokens=self.value("max_tokens"),
        )

    async def use_task(self, name: str) -> None:
        """Let the data be for another task; what was entered stays where it has a place."""
        self.ability = self.ability_for(name)
        await self.columns.use(self.data_task)

    def ability_for(self, task: str) -> Ability:
        """What the model does with data that are for a task: the verb of the form where it can, else pretraining."""
        verb: Verb = self.model_verb if task in self.card.tasks_of(self.model_verb) else "pretrain"
        return self.card.ability(verb, task)

    # What is entered

    def find_fault(self, field: Field) -> ZooError | None:
        value = self.value(field.field_name)
        if field.field_name in (*self.PATHS, "classes") and value and not Path(value).expanduser().exists():
            return DatasetInvalid("no such file or folder")
        if isinstance(field, TeacherField) and self._task_chosen and (fault := field.find_fault(self.ability.task)):
            return fault
        return self.columns.find_fault(field) if field in self.columns.fields else super().find_fault(field)

    def changed(self, field: Field) -> None:
        """Check the field, and look at the data where it is about that."""
        name = field.field_name
        if name == "task":
            self._task_chosen = True
            self._begin_task(str(field.value))
        elif isinstance(field, TeacherField):
            self._follow(field)
            super().changed(field)
        elif name in self.PATHS:  # what is wrong with other data shows once nothing is typed for a moment
            for data_field in (field, *self.columns.fields):
                data_field.set_fault("")
            self.show_notice("")
            self.preview.stop()
        else:
            super().changed(field)
        if name in (*self.PATHS, *PREVIEW_FIELDS) or field in self.columns.fields:
            self._look_later()

    def submitted(self, editor: Input) -> None:
        """Go to the column that is missing or guessed, once the data is given; elsewhere to the next field."""
        if editor is not self.field("data").editor or not self.value("data"):
            super().submitted(editor)
            return
        self._advances = True
        self.look_at_data()
        if self.preview.query_now == self._previewed:
            self._advance()

    def action_pick(self) -> None:
        """Choose the file or folder."""
        focused = self.focused
        name = next((n for n in self.PATHS if focused is self.field(n).editor), self.PATHS[0])

        def advance() -> None:
            self._advances = name == "data"

        self.pick_path(self.field(name), advance)

    def find_teachers(self) -> None:
        """Look in a thread which of the models can teach this one."""
        cards = [line.card for line in self.zoo.feed.models]

        def find() -> None:
            teachers = teachers_of(self.card, cards)
            self.later(lambda: self.query_one(TeacherField).offer_teachers(teachers))

        self.run_worker(find, thread=True, group="teachers", exit_on_error=False)

    def on_teacher_field_offered(self) -> None:
        self._follow(self.query_one(TeacherField))

    def _follow(self, field: TeacherField) -> None:
        """Learn what the teacher teaches, unless a person said what is learnt."""
        self.columns.let_teach(field.teacher is not None)
        name = self.ability.task if self._task_chosen else field.task_for() or self.ability.task
        if name != self.ability.task:
            self.field("task").offer([(name, name) for name in self.task_names], name)
            self._begin_task(name)

    def _begin_task(self, name: str) -> None:
        async def use() -> None:
            async with self._one_task:  # one that is given up halfway would leave fields behind
                await self.use_task(name)
            self.preview.stop()  # what it has said by now was offered to the fields of the task before
            self.look_at_data()

        self.preview.stop()  # what it says next would be of another task
        self.run_worker(use(), group="task")

    # What is seen in the data

    def _look_later(self) -> None:
        """Look once the person pauses: what is typed so far may be the beginning of another path."""
        if self._preview_timer is not None:
            self._preview_timer.stop()
        paths = [Path(value).expanduser() for name in self.PATHS if (value := self.value(name))]
        pause = FOLDER_PAUSE_S if any(path.is_dir() for path in paths) else FILE_PAUSE_S
        self._preview_timer = self.set_timer(pause, self.look_at_data)

    def look_at_data(self) -> None:
        """Check the paths, and show what is in the data they lead to."""
        if self._preview_timer is not None:
            self._preview_timer.stop()
        for name in self.PATHS:
            if self.value(name):
                self.check(self.field(name))
        wrong = any(self.field(name).has_fault for name in self.PATHS)
        self.preview.look(DataQuery() if wrong else self.data_query())

    def on_data_preview_failed(self, event: DataPreview.Failed) -> None:
        if self.preview.is_current(event):
            paths = {"classes": event.query.classes, self.EVAL_FIELD: event.query.eval_path}
            name = next((name for name, path in paths.items() if path and path in event.error.message), "data")
            self.show_error(event.error, name)

    def on_data_preview_columns_read(self, event: DataPreview.ColumnsRead) -> None:
        if not self.preview.is_current(event):
            return
        name = event.columns.likely.task.name
        if name != self.ability.task:
            self.field("task").offer([(name, name) for name in self.task_names], name)
            self._begin_task(name)
            return
        if len(self.task_names) > 1:
            self.field("task").set_note("" if self._task_chosen else "as the data look")
        self._previewed = event.query
        self.columns.offer(event.columns.choice)
        self.columns_offered()
        self._advance()

    def on_data_preview_samples_read(self, event: DataPreview.SamplesRead) -> None:
        if self.preview.is_current(event):
            self.query_one(Gallery).show(event.pictures)

    def columns_offered(self) -> None:
        """The columns that are meant stand in their fields."""

    def _advance(self) -> None:
        """Go to the column that is missing; to one that was guessed where the person is done with the data.

        Somebody who pauses in typing is not moved: a folder may be the beginning of the path that is meant.
        """
        is_whole = self._advances or Path(self.value("data")).expanduser().is_file()
        if is_whole and self.focused is self.field("data").editor:
            if self.columns.missing_fields:
                self.go_to(self.columns.missing_fields[0])
            elif self._advances:
                guessed = self.columns.guessed_fields
                self.go_to(guessed[0]) if guessed else self.app.action_focus_next()
        self._advances = False
