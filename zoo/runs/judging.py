"""The judge that a task brings, held to the contract: whoever breaks it is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from zoo.blocks import Report
from zoo.encoding import encode_json
from zoo.errors import PluginBroken
from zoo.metrics import detailed_report_of, primary_first
from zoo.metrics.intervals import Interval, intervals_of
from zoo.runs.contract import builtin
from zoo.sanitize import error_text, one_line
from zoo.tasks.task import Task

_T = TypeVar("_T")


class CheckedJudge:
    """Counts answers with the judge of a task.

    Args:
        task: that names the judge.
        labels: what the model distinguishes; empty where it has none.

    Raises:
        PluginBroken: by this and every method, where the judge fails or gives what cannot be kept.
    """

    def __init__(self, task: Task, labels: Sequence[str]) -> None:
        self._task = task
        self._judge = self._guarded(lambda: task.new_judge(labels), "fails to begin")

    def add(self, target: Any, answer: Any) -> None:
        """Count one example."""
        try:
            self._judge.add(target, answer)
        except Exception as error:  # a stranger's code may raise anything
            raise self._broken("fails to count an answer", error) from error

    def figures(self) -> dict[str, float]:
        """The metrics, the primary one first."""
        metrics = self._guarded(
            lambda: {str(name): float(value) for name, value in self._judge.compute().items()}, "gives no metrics"
        )
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise PluginBroken(
                    f"the judge of task {self._task.name} gave the metric {one_line(name)} as {value}",
                    "metrics are finite numbers; leave out one that has no value (zoo plugins guide contract)",
                )
        return primary_first(metrics, self._task.primary_metric)

    def intervals(self) -> dict[str, Interval]:
        """How sure each metric is, where that is known."""
        intervals = self._guarded(
            lambda: msgspec.convert(
                msgspec.to_builtins(intervals_of(self._judge), enc_hook=builtin), dict[str, Interval]
            ),
            "gives no intervals",
        )
        for name, one in intervals.items():
            if not -math.inf < one.low <= one.high < math.inf:
                ends = f"{one.low} to {one.high}"
                raise PluginBroken(
                    f"the judge of task {self._task.name} gave the interval of {one_line(name)} as {ends}",
                    "its ends are finite and in order; leave out what has none (zoo plugins guide contract)",
                )
        return intervals

    def report(self) -> Report:
        """The blocks beside the metrics, in full."""
        return self._guarded(
            lambda: msgspec.json.decode(encode_json(detailed_report_of(self._judge), enc_hook=builtin), type=Report),
            "gives no report of blocks",
        )

    def _guarded(self, act: Callable[[], _T], failure: str) -> _T:
        try:
            return act()
        except PluginBroken:
            raise
        except Exception as error:  # a stranger's code may raise anything
            raise self._broken(failure, error) from error

    def _broken(self, failure: str, error: Exception) -> PluginBroken:
        return PluginBroken(
            one_line(f"the judge of task {self._task.name} {failure}: {type(error).__name__}: {error_text(error)}"),
            f"the author of {one_line(self._task.judge)} must mend it; the traceback (zoo logs) shows where",
        )
