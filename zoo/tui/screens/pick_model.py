"""The form of picking one of several models for data."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult

from zoo.card import Card
from zoo.file_cache import read_once
from zoo.jobs import Job
from zoo.options import schema
from zoo.pick_jobs import pick_request
from zoo.pick_options import PickOptions
from zoo.plurals import name_list
from zoo.runs.request import RunRequest
from zoo.tui.commands import command_line
from zoo.tui.path_text import short_path
from zoo.tui.screens.job_form import JobForm
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import text_field
from zoo.tui.widgets.option_fields import OptionFields


class PickModelScreen(JobForm):
    """Find the model that does best on your data.

    Args:
        card: what stands for the model that is to be picked: `zoo.pick_jobs.any_model`.
    """

    PATHS: ClassVar[tuple[str, ...]] = ("data", "test")
    EVAL_FIELD: ClassVar[str] = "test"

    def __init__(self, card: Card) -> None:
        super().__init__(card, "pick", "finetune")
        self.likely_task_names = self.task_names  # the data decide, whatever stands in them

    @property
    def heading(self) -> str:
        return "pick a model for data"

    def advice(self) -> str:
        """What takes part, and what comes of it."""
        return (
            "Give rows with labels. Models that are here are tried on them, first cheaply, the better ones longer; "
            "rows that chose nothing judge the winner, a model like any other. Ctrl-O lets you choose the data."
        )

    def fields(self) -> ComposeResult:
        """The rows, those of the test, and how a model is picked."""
        yield text_field("data", "data", path=True)
        yield text_field(
            "test",
            "tested on",
            placeholder="a share held out",
            path=True,
            help="Rows that choose nothing and are judged once, in the end; without them a share is held out.",
        )
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        yield OptionFields(schema(PickOptions), title="how it is picked", id="picking")

    @property
    def _picking(self) -> dict[str, Any]:
        return self.query_one("#picking", OptionFields).changed_options

    def job(self) -> Job:
        job = self.job_of("pick", self.source(eval_data=self.value("test") or None))
        task = self.ability.task if self.is_task_settled else ""
        return msgspec.structs.replace(job, model="", task=task, options={})

    def request(self) -> RunRequest:
        with read_once(self.files):
            return pick_request(self.job(), self._picking)

    def command(self) -> str:
        """What one would type instead."""
        flags = self.flags()
        task = self.ability.task if self.task_is_chosen else ""
        return command_line(
            "pick", flags={"data": flags.pop("data"), "test": self.value("test"), **flags, "task": task}
        )

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        names = tuple(one.name for one in request.students)
        test = request.data.eval_path
        return [
            ("models", f"{len(names)}: {name_list(names)}"),
            *super().plan(request)[1:],
            ("for", request.task),
            ("tested on", short_path(test) if test else "a share of the rows"),
            ("remarks", request.task_reason),
        ]
