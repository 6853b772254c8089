"""The form of a curve over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult

from zoo.card import Card
from zoo.enough_rows import SHARES
from zoo.jobs import Job
from zoo.options import Option
from zoo.runs.request import RunRequest
from zoo.tui.commands import command_line
from zoo.tui.path_text import short_path
from zoo.tui.screens.job_form import JobForm
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import text_field


class CurveScreen(JobForm):
    """Find out whether more rows would help."""

    PATHS: ClassVar[tuple[str, ...]] = ("data", "eval")
    ASKS_PRECISION = False

    def __init__(self, card: Card) -> None:
        super().__init__(card, "curve", "finetune")

    @property
    def heading(self) -> str:
        return f"would more rows help {self.card.name}?"

    def advice(self) -> str:
        """What is trained."""
        return (
            f"Give rows with labels. The model learns from ever more of them, at most {len(SHARES)} times, and a power "
            "law says what two and four times as many would bring. Ctrl-O lets you choose the data."
        )

    def fields(self) -> ComposeResult:
        """The rows to learn from, and those that judge."""
        yield text_field("data", "data", path=True)
        yield text_field(
            "eval",
            "judged by",
            placeholder="a fifth of the data",
            path=True,
            help="Rows that judge all sizes; without them a fifth of the data is held out.",
        )
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)

    def shown_options(self) -> Sequence[Option]:
        """None: each size learns as it would by default."""
        return ()

    def job(self) -> Job:
        return self.job_of("curve", self.source(eval_data=self.value("eval") or None))

    def command(self) -> str:
        """What one would type instead."""
        flags = self.flags()
        data = str(flags.pop("data")) or "DATA"
        return command_line("data", "curve", data, flags={"model": self.card.name, **flags})

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        judged_by = short_path(request.data.eval_path) if request.data.eval_path else "a fifth of the rows"
        return [*super().plan(request), ("judged by", judged_by), ("trainings", f"{len(SHARES)} at most")]
