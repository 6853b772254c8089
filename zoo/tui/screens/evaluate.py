"""The form of an evaluation."""

from __future__ import annotations

import msgspec
from textual.app import ComposeResult

from zoo.card import Card
from zoo.jobs import Job
from zoo.tasks import get_task
from zoo.tui.screens.job_form import JobForm
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import switch_field, text_field


class EvaluateScreen(JobForm):
    """Judge a model on labelled data."""

    def __init__(self, card: Card) -> None:
        super().__init__(card, "evaluate", "predict")

    def fields(self) -> ComposeResult:
        """Data and its columns."""
        yield text_field("data", "data", path=True)
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        yield text_field(
            "errors",
            "wrong answers to",
            placeholder="shown with the result",
            path=True,
            help="A new file for the rows that are answered wrongly: .csv, .tsv, .jsonl or .ndjson.",
        )
        yield text_field(
            "by",
            "figures by",
            placeholder="a column of the data",
            help="A column whose values tell rows apart: the main figure of each is in the report.",
        )

        if get_task(self.ability.task).calibratable:
            yield switch_field(
                "calibrate",
                "calibrate",
                help="Correct how sure the model is by these rows, and keep that with it; they must be new to it.",
            )

    def job(self) -> Job:
        job = self.job_of("evaluate", self.source(), out=self.value("errors"))
        return msgspec.structs.replace(job, by=self.value("by"), calibrate=self.value("calibrate") == "True")
