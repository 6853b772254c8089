"""The form of an audit."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual.app import ComposeResult

from zoo.audit_options import AuditOptions
from zoo.card import Card
from zoo.jobs import Job
from zoo.options import schema
from zoo.tui.screens.job_form import JobForm
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import text_field
from zoo.tui.widgets.option_fields import OptionFields


class AuditScreen(JobForm):
    """Look whether a model gives away the rows that it learnt from."""

    PATHS: ClassVar[tuple[str, ...]] = ("data", "held_out")
    NEEDS_DATA = False
    ASKS_PRECISION = False  # it is attacked as it learnt, in fp32

    def __init__(self, card: Card) -> None:
        super().__init__(card, "audit", "predict")

    def advice(self) -> str:
        """What is attacked where nothing is given."""
        return (
            "Without data, the rows that the model learnt from and those that its run held out are told apart, as far "
            "as the attacks can. Ctrl-O lets you choose others."
        )

    def fields(self) -> ComposeResult:
        """Rows that it learnt from, rows like them, and by which attacks."""
        yield text_field(
            "data", "learnt from", placeholder="the rows of its run", path=True, help="Rows that the model learnt from."
        )
        yield text_field(
            "held_out",
            "not learnt from",
            placeholder="those that its run held out",
            path=True,
            help="Rows like them that it did not learn from.",
        )
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        yield OptionFields(schema(AuditOptions), title="how it is audited", id="auditing")

    def job(self) -> Job:
        job = self.job_of("audit", self.source(eval_data=self.value("held_out")))
        auditing = self.query_one("#auditing", OptionFields).changed_options
        options = {name: value for name, value in job.options.items() if name not in AuditOptions.__struct_fields__}
        place = msgspec.structs.replace(job.place, precision="fp32")
        return msgspec.structs.replace(job, options=options, place=place, auditing=auditing)

    def flags(self) -> dict[str, object]:
        flags = super().flags()
        return {"data": flags.pop("data"), "held_out": self.value("held_out"), **flags}
