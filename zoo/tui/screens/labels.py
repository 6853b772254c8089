"""The form of a look for labels that are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual.app import ComposeResult

from zoo.card import Card
from zoo.jobs import Job
from zoo.options import Option
from zoo.runs.request import RunRequest
from zoo.tui.commands import command_line
from zoo.tui.path_text import short_path
from zoo.tui.screens.job_form import JobForm
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import text_field


class LabelsScreen(JobForm):
    """Find the rows whose label is most probably wrong."""

    ASKS_PRECISION = False  # vectors are made in fp32

    def __init__(self, card: Card) -> None:
        super().__init__(card, "inspect", "finetune")

    @property
    def heading(self) -> str:
        return f"labels that are probably wrong, by {self.card.name}"

    def advice(self) -> str:
        """What is looked at, and how."""
        return (
            "Give rows with labels. The model makes a vector of each input, and a linear classifier on these says how "
            "probable each label of a row is, having learnt from other rows only. Ctrl-O lets you choose the data."
        )

    def fields(self) -> ComposeResult:
        """The rows, and where those in doubt go."""
        yield text_field("data", "look at", path=True)
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        yield text_field(
            "out",
            "doubtful rows to",
            placeholder="shown with the result",
            path=True,
            help="A new file for the rows whose label is in doubt: .csv, .tsv or .jsonl.",
        )

    def shown_options(self) -> Sequence[Option]:
        """None: nothing is trained but the classifier."""
        return ()

    def job(self) -> Job:
        job = self.job_of("inspect", self.source(), out=self.value("out"))
        return msgspec.structs.replace(job, place=msgspec.structs.replace(job.place, precision="fp32"))

    def command(self) -> str:
        """What one would type instead."""
        flags = self.flags()
        data = str(flags.pop("data")) or "DATA"
        return command_line("data", "inspect", data, flags={"labels": self.card.name, **flags})

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        return [*super().plan(request), ("doubtful rows to", short_path(request.out) if request.out else "")]
