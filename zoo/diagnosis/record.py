"""All that is known of a run that rules look at: its request, its log, its data as they are now."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import NormalDist
from typing import Any, NamedTuple

from zoo.abilities import input_limits
from zoo.blocks import Matrix
from zoo.card import Card, Verb
from zoo.catalog import Catalog
from zoo.data import inspect
from zoo.data.report import Inspection
from zoo.diagnosis.columns import Column, column_of, sampled_rows, share_that_tells
from zoo.errors import ZooError
from zoo.kinds.file_kind import FileKind
from zoo.kinds.kind import TARGET
from zoo.metrics import confusion_of, primary_figure
from zoo.recipes import RECIPE
from zoo.runs import status
from zoo.runs.data_report import inspecting_command
from zoo.runs.events import AnyEvent, StepCompleted, Warned
from zoo.runs.last_words import last_lines
from zoo.runs.log import read_events
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import RunFolder
from zoo.tasks import get_task
from zoo.tasks.task import Task

NO_SHARE = 0.02
"""A share of right answers, or of explained variance, that is as good as none."""
LAST_LINES = 5
"""Of what a worker printed."""
FEWEST_JUDGED = 30
"""Rows below which a share of right answers says nothing."""
CHANCE = 0.05
"""Of being taken for better without being so, by all evaluations of which the best was kept."""
_SKIPPED = re.compile(r"step (\d+): the (?:gradient|loss|\w+) is (?:not finite|nan|-?inf)")


class BaseRate(NamedTuple):
    """How well a classifier does beside one that answers the most frequent label to everything."""

    accuracy: float
    base: float
    """Share of the most frequent label among the rows that it was judged on."""
    rows: int
    answered: int
    """How many different labels it gave."""
    looks: int = 1
    """Evaluations on these rows, of which the best was kept."""
    last: float = 0.0
    """Accuracy of the last of these, which nobody has chosen; 0 where it is not known."""

    @property
    def is_beaten(self) -> bool:
        """Whether it is better than that by more than luck, be it the best of its evaluations or the last."""
        best = self.accuracy - self.base > _luck(self.base, self.rows, self.looks)
        return best or self.last - self.base > _luck(self.base, self.rows, 2)

    @property
    def gain(self) -> float:
        """How much of what there was to be won beyond the base rate was won, up to 1."""
        return (self.accuracy - self.base) / (1 - self.base) if self.base < 1 else 1.0


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
    def last_printed(self) -> list[str]:
        """The last lines that a worker printed which is gone without a word; none of others."""
        if self.snapshot.status != "crashed":
            return []
        try:
            with self.folder.log_path.open("rb") as file:
                return last_lines(file, LAST_LINES)
        except OSError:
            return []

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

    @property
    def loss_at_start(self) -> float | None:
        """Of the first step, before anything was changed."""
        return self._losses[0] if self._losses else None

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
        looks, name = self.snapshot.evaluations, self.task.primary_metric
        is_share = math.isclose(self.snapshot.latest_metrics.get(name, math.nan), right / rows, abs_tol=1e-6)
        last = looks[-1].metrics.get(name, 0.0) if looks and is_share else 0.0
        return BaseRate(right / rows, max(map(sum, matrix.counts)) / rows, rows, answered, len(looks), last)

    @cached_property
    def figure_without_input(self) -> float | None:
        """The best F1 of all labels together that the same labels for every row have; None where rows have no sets."""
        part = self.inspection.train if self.inspection else None
        if part is None or part.label_sets is None or not self.rows_to_learn or not self.inspection:
            return None
        shares = sorted((one.rows / self.rows_to_learn for one in self.inspection.labels), reverse=True)
        all_labels = sum(shares)
        sums = enumerate(accumulate(shares), start=1)
        return max((2 * hits / (all_labels + count) for count, hits in sums if all_labels), default=None)

    @property
    def explained(self) -> float:
        """Share of the variance of numbers that answers explain; 1 where no numbers were learnt."""
        return self.snapshot.latest_metrics.get("r2", 1.0)

    @property
    def diverged(self) -> bool:
        """Whether it ended with losses that are no numbers."""
        said = any("diverged" in text for text in (self.error, *self.snapshot.warnings))
        return said or (bool(self.steps) and self.steps[-1].loss is None)

    @cached_property
    def is_unlearnt(self) -> bool:
        """Whether answers to held-out rows are no better than without an input."""
        if self.base_rate is not None:
            return not self.base_rate.is_beaten
        if "r2" in self.snapshot.latest_metrics:
            return self.explained <= NO_SHARE
        figure = self.primary
        if figure is None or self.confusion is not None:
            return False
        is_share = figure[0] == self.task.primary_metric and self.task.larger_is_better
        return is_share and 0 <= figure[1] <= max(NO_SHARE, self._luckily_without_input)

    @property
    def _luckily_without_input(self) -> float:
        """What the same labels for every row may reach by luck; 0 where rows have no sets of labels."""
        part, rows = self.inspection.train if self.inspection else None, self.snapshot.eval_rows
        base = self.figure_without_input
        if base is None or part is None or part.label_sets is None or not rows:
            return 0.0
        labels = max(1.0, rows * part.label_sets.mean)
        return base + _luck(base, labels, len(self.snapshot.evaluations))

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
    def rows_to_learn(self) -> int:
        """Of its data, those that can be used; 0 where they cannot be read."""
        part = self.inspection.train if self.inspection else None
        return part.rows - part.rejected_rows if part else 0

    @property
    def cut_share(self) -> float:
        """Share of the inputs that are longer than what was read of them; 0 where that is not known."""
        lengths = self.inspection.train.lengths if self.inspection else None
        if lengths is None:
            return 0.0
        if lengths.truncated_share is not None:
            return lengths.truncated_share
        limit = self._max_tokens or lengths.max_tokens
        return 0.5 if limit and lengths.unit == "words" and lengths.p50 > limit else 0.0

    @property
    def _max_tokens(self) -> Any:
        return self.request.options.get("max_tokens")

    @cached_property
    def _rows(self) -> list[dict[str, str]]:
        """The cells of a few hundred rows as texts, by column; none where they cannot be read."""
        try:
            return sampled_rows(self.request.data.path)
        except (ZooError, OSError):
            return []

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns of the data by name, from a few hundred rows; none where they cannot be read."""
        names = dict.fromkeys(name for row in self._rows for name in row)
        return {name: column_of(name, [row[name] for row in self._rows if name in row]) for name in names}

    @property
    def inputs_with_label(self) -> float:
        """Share of these rows whose inputs hold their own label; none where they are files, whose paths may well do."""
        if isinstance(self.task.input, FileKind):
            return 0.0
        inputs = [name for role, name in self.used_columns.items() if role != TARGET]
        return share_that_tells(self._rows, inputs, self.target_column)

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


def _luck(share: float, count: float, looks: int) -> float:
    """What a share may lie above what is expected of it by luck, where the best of several looks was taken."""
    error = math.sqrt(max(share * (1 - share), 1 / count) / count)
    return NormalDist().inv_cdf(1 - CHANCE / max(1, looks)) * error


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
