"""All that is known of a run that rules look at: its request, its log, its data as they are now."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from zoo.abilities import input_limits
from zoo.blocks import Matrix
from zoo.card import Card, Verb
from zoo.catalog import Catalog
from zoo.data import inspect
from zoo.data.report import Inspection
from zoo.data.rows import Row
from zoo.data.table import Table
from zoo.errors import ZooError
from zoo.kinds.kind import TARGET
from zoo.metrics import confusion_of, primary_figure
from zoo.recipes import RECIPE
from zoo.runs import status
from zoo.runs.data_report import inspecting_command
from zoo.runs.events import AnyEvent, StepCompleted, Warned
from zoo.runs.log import read_events
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import RunFolder
from zoo.tasks import get_task
from zoo.tasks.task import Task

SAMPLED_ROWS = 500
"""Rows of the data whose cells are looked at."""
FEWEST_JUDGED = 30
"""Rows below which a share of right answers says nothing."""
Z_ONE_SIDED = 1.645
"""Of a normal distribution, that leaves 5% above."""
_WORD = re.compile(r"\w+")
_SKIPPED = re.compile(r"step (\d+): the (?:gradient|loss|\w+) is (?:not finite|nan|-?inf)")


class BaseRate(NamedTuple):
    """How well a classifier does beside one that answers the most frequent label to everything."""

    accuracy: float
    base: float
    """Share of the most frequent label among the rows that it was judged on."""
    rows: int
    answered: int
    """How many different labels it gave."""

    @property
    def is_beaten(self) -> bool:
        """Whether it is better than that by more than luck."""
        error = math.sqrt(max(self.base * (1 - self.base), 1 / self.rows) / self.rows)
        return self.accuracy - self.base > Z_ONE_SIDED * error

    @property
    def gain(self) -> float:
        """How much of what there was to be won beyond the base rate was won, up to 1."""
        return (self.accuracy - self.base) / (1 - self.base) if self.base < 1 else 1.0


class Column(NamedTuple):
    """What a column of the data looks like."""

    name: str
    words: float
    """Mean number of words of a cell."""
    different: int
    """Different cells among those looked at."""
    cells: int


@dataclass(frozen=True)
class Record:
    """A run.

    Args:
        folder: of the run.
    """

    folder: RunFolder

    @cached_property
    def request(self) -> RunRequest:
        """What it was asked to do."""
        return self.folder.request

    @cached_property
    def snapshot(self) -> RunSnapshot:
        """How it stands."""
        return status.read(self.folder)

    @cached_property
    def events(self) -> list[AnyEvent]:
        """All of its log."""
        return read_events(self.folder)[0]

    @property
    def name(self) -> str:
        """Of the run."""
        return self.folder.name

    @property
    def ended_badly(self) -> bool:
        """Whether it failed, its place ended it, or its worker died."""
        return self.snapshot.status in ("failed", "interrupted", "crashed")

    @property
    def is_training(self) -> bool:
        """Whether it learns from labelled rows of one source, which most rules are about."""
        return self.request.verb == "finetune" and not self.request.sources

    @property
    def error(self) -> str:
        """What it ended with; empty where it did not end badly."""
        return self.snapshot.error if self.ended_badly else ""

    @cached_property
    def steps(self) -> list[StepCompleted]:
        """Of the attempt that went on to the end, as far as they were told."""
        steps: list[StepCompleted] = []
        for event in self.events:
            if isinstance(event, StepCompleted):
                while steps and steps[-1].step >= event.step:
                    steps.pop()
                steps.append(event)
        return steps

    @cached_property
    def skipped(self) -> list[int]:
        """Steps whose gradient or loss was no number."""
        messages = (event.message for event in self.events if isinstance(event, Warned))
        return [int(match[1]) for message in messages if (match := _SKIPPED.match(message))]

    @cached_property
    def first_loss(self) -> float | None:
        """The mean of the first tenth of the steps; None where there are none with a loss."""
        return _mean(self._losses[: max(1, len(self._losses) // 10)])

    @cached_property
    def last_loss(self) -> float | None:
        """Likewise, of the last tenth."""
        return _mean(self._losses[-max(1, len(self._losses) // 10) :])

    @cached_property
    def highest_loss(self) -> float | None:
        """Of all steps."""
        return max(self._losses, default=None)

    @property
    def _losses(self) -> list[float]:
        return [step.loss for step in self.steps if step.loss is not None]

    @cached_property
    def highest_norm(self) -> float | None:
        """Of all gradients, before they were clipped."""
        return max((step.grad_norm for step in self.steps if step.grad_norm is not None), default=None)

    @property
    def lr(self) -> float | None:
        """The peak learning rate."""
        chosen = self.request.options.get("lr")
        return self.snapshot.plan.lr if self.snapshot.plan else chosen

    @property
    def lr_was_chosen(self) -> bool:
        """Whether a person said it."""
        return self.request.changed_options.get("lr") is not None

    @property
    def trained_share(self) -> float | None:
        """Of all parameters, those that were trained; None where that is not known."""
        plan = self.snapshot.plan
        return plan.trainable_parameters / plan.parameters if plan and plan.parameters else None

    @property
    def primary(self) -> tuple[str, float] | None:
        """The main figure on held-out rows."""
        return primary_figure(self.snapshot.latest_metrics)

    @property
    def confusion(self) -> Matrix | None:
        """What was taken for what, where the task tells that."""
        return confusion_of(self.snapshot.report)

    @cached_property
    def base_rate(self) -> BaseRate | None:
        """None where the task has no such thing, or too few rows were judged."""
        matrix = self.confusion
        rows = sum(map(sum, matrix.counts)) if matrix else 0
        if matrix is None or rows < FEWEST_JUDGED:
            return None
        right = sum(row[place] for place, row in enumerate(matrix.counts))
        answered = sum(any(row[place] for row in matrix.counts) for place in range(len(matrix.labels)))
        return BaseRate(right / rows, max(map(sum, matrix.counts)) / rows, rows, answered)

    @cached_property
    def task(self) -> Task:
        """What was learnt or judged."""
        data = self.request.data
        return get_task(self.request.task).divided_at(data.separator).named_by(data.classes)

    @cached_property
    def card(self) -> Card | None:
        """Of the model that it began with; None where that is gone."""
        return next((card for card in Catalog.load().cards if card.full_name == self.request.model), None)

    @cached_property
    def inspection(self) -> Inspection | None:
        """Its data as they are now; None where they cannot be read any more."""
        data = self.request.data
        verb: Verb = "pretrain" if self.request.verb == "pretrain" else "finetune"
        try:
            limits = input_limits(self.card, verb, str(self._max_tokens or "")).limits if self.card else None
            return inspect(
                data.path,
                self.task,
                eval_path=data.eval_path or None,
                columns=data.columns,
                merge=data.merge_labels,
                trained=self.card.columns if self.card else {},
                limits=limits,
            )
        except (ZooError, OSError):
            return None

    @property
    def _max_tokens(self) -> Any:
        return self.request.options.get("max_tokens")

    @cached_property
    def _rows(self) -> list[dict[str, str]]:
        """The cells of a few hundred rows as texts, by column; none where they cannot be read."""
        try:
            table = Table(self.request.data.path)
            rows = islice(table.rows(table.columns), SAMPLED_ROWS)
            return [_texts(row) for row in rows if isinstance(row, Row)]
        except (ZooError, OSError):
            return []

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns of the data by name, from a few hundred rows; none where they cannot be read."""
        names = dict.fromkeys(name for row in self._rows for name in row)
        return {name: _column(name, [row[name] for row in self._rows if name in row]) for name in names}

    @property
    def inputs_with_label(self) -> float:
        """Share of these rows whose inputs hold their own label as a word."""
        target, used = self.target_column, self.used_columns
        inputs = [name for role, name in used.items() if role != TARGET]
        rows = [row for row in self._rows if row.get(target, "").strip()]
        held = (
            any(
                f" {row[target].lower()} " in f" {' '.join(_WORD.findall(row.get(name, '').lower()))} "
                for name in inputs
            )
            for row in rows
        )
        return sum(held) / len(rows) if rows else 0.0

    @property
    def used_columns(self) -> dict[str, str]:
        """Names of those that were used, by role."""
        return dict(self.snapshot.columns) or (dict(self.inspection.train.mapping) if self.inspection else {})

    @property
    def target_column(self) -> str:
        """The one that held what is learnt; empty where it is no column."""
        return self.used_columns.get(TARGET, "")

    def again(self, *flags: str) -> str:
        """The command that does the same anew with something changed."""
        request = self.request
        if (self.folder.path / RECIPE).exists():
            flag = [] if request.verb == "sweep" else ["--recipe"]
            words = ["zoo", request.verb, *flag, str(self.folder.path / RECIPE)]
        else:
            model = [] if request.verb == "pick" else [request.model]
            words = ["zoo", request.verb, *model, "--data", request.data.path]
        return shlex.join([*words, *flags])

    @property
    def inspecting(self) -> str:
        """The command that looks at its data."""
        data, inspection = self.request.data, self.inspection
        return inspecting_command(data, inspection) if inspection else shlex.join(["zoo", "data", "inspect", data.path])


def _texts(row: Row) -> dict[str, str]:
    """The cells of a row as texts; without those that hold a file themselves, of which there is nothing to read."""
    return {name: str(cell) for name, cell in row.values.items() if cell is not None and not _is_file(cell)}


def _is_file(cell: Any) -> bool:
    return isinstance(cell, bytes) or (isinstance(cell, dict) and isinstance(cell.get("bytes"), bytes))


def _column(name: str, texts: list[str]) -> Column:
    words = sum(len(text.split()) for text in texts) / max(1, len(texts))
    return Column(name, words, len(set(texts)), len(texts))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
