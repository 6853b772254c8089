"""The form of a fine-tuning or pretraining."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from zoo.card import Card, Verb
from zoo.data import Dataset, split
from zoo.file_cache import read_once
from zoo.kinds.spelling import distinct_names
from zoo.plurals import counted
from zoo.ranking import FROM_SCRATCH
from zoo.requests import Job, check_job
from zoo.runs.request import RunRequest
from zoo.tui.path_text import short_path
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.screens.job_form import JobForm
from zoo.tui.screens.plan import PlanScreen
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import text_field

SHOWN_LABELS = 8


class TrainScreen(JobForm):
    """Train a model on your data."""

    PATHS: ClassVar[tuple[str, ...]] = ("data", "eval")

    def __init__(self, card: Card, verb: Verb) -> None:
        super().__init__(card, verb, verb)
        self._training: Verb = verb
        self._rows = ""

    def fields(self) -> ComposeResult:
        """Data, its columns, and what to evaluate on."""
        yield text_field("data", "data", path=True)
        yield text_field(
            "eval",
            "evaluate on",
            placeholder="a share held out",
            path=True,
            help="Evaluation data of its own; without it a share of the rows is held out, see eval share.",
        )
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)

    def job(self) -> Job:
        return self.job_of(self._training, self.source(eval_data=self.value("eval") or None))

    def request(self) -> RunRequest:
        """Check everything, and describe the rows."""
        with read_once(self.files):
            request, dataset = check_job(self.job())
        self._rows = _describe_rows(request, dataset) if dataset else ""
        return request

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        return [
            *super().plan(request),
            ("starts", FROM_SCRATCH if self.card.weights is None else ""),
            ("evaluate on", short_path(request.data.eval_path) if request.data.eval_path else ""),
            ("rows", self._rows),
        ]

    def question(self, request: RunRequest, title: str, plan: str) -> ConfirmScreen:
        """Find out steps, learning rate and time meanwhile."""
        return PlanScreen(title, plan, request, self.files)


def _describe_rows(request: RunRequest, data: Dataset) -> str:
    """What the rows are, in one line."""
    parts = [f"{len(data.examples):,} usable"]
    if data.rejected:
        parts.append(f"{len(data.rejected):,} set aside")
    if data.labels:
        names = list(distinct_names(data.labels).values())
        parts.append(f"{counted(len(names), 'class')}: {', '.join(names[:8])}" + ("..." if names[8:] else ""))
    if not request.data.eval_path:
        held_out = split(data, request.options["eval_share"], request.options["seed"], target=data.target)[1]
        parts.append(f"{len(held_out):,} held out")
    return ", ".join(parts)
