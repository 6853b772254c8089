"""The form of making a model smaller."""

from __future__ import annotations

from typing import Any

import msgspec
from textual.app import ComposeResult

from zoo.card import Card
from zoo.jobs import Job
from zoo.options import schema
from zoo.shrink_options import ShrinkOptions
from zoo.tui.screens.job_form import JobForm
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import text_field
from zoo.tui.widgets.option_fields import OptionFields


class ShrinkScreen(JobForm):
    """Make a model smaller that answers as well."""

    ASKS_PRECISION = False  # the model as it is computes in fp32, and what is tried as it is kept

    def __init__(self, card: Card) -> None:
        super().__init__(card, "shrink", "predict")

    def fields(self) -> ComposeResult:
        """The rows that decide, and what must hold."""
        yield text_field("data", "judged by", path=True, note="rows with labels that the model has not learnt from")
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        yield OptionFields(schema(ShrinkOptions), title="how it is made smaller", id="shrinking")

    @property
    def _shrinking(self) -> dict[str, Any]:
        return self.query_one("#shrinking", OptionFields).changed_options

    def job(self) -> Job:
        job = self.job_of("shrink", self.source())
        options = {name: value for name, value in job.options.items() if name not in ShrinkOptions.__struct_fields__}
        place = msgspec.structs.replace(job.place, precision="fp32")
        return msgspec.structs.replace(job, options=options, place=place, shrinking=self._shrinking)
