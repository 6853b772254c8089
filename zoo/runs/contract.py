"""What a plugin answers, reports and leaves behind, held to the contract in one place.

Numbers of numpy and torch are taken as the numbers they are, so that every view and every file gets Python's own. What
breaks the contract is a `PluginBroken` that names plugin, field and value.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar, cast

import msgspec

from zoo.answers import InvalidAnswer, Prediction, Rejected
from zoo.blocks import Report
from zoo.encoding import encode_json
from zoo.errors import PluginBroken, Unsupported
from zoo.metrics import LOSSES, finite, primary_first, report_of_confusion
from zoo.metrics.intervals import Interval
from zoo.plurals import counted, with_article
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, StepCompleted, Warned
from zoo.sanitize import error_text, one_line
from zoo.tasks import get_task
from zoo.tasks.task import Task

_SHOWN_CHARACTERS = 120
_FIELD = re.compile(r"(?:Expected `(?P<expected>.+)`, got `(?P<got>.+)`|(?P<other>.+?)) - at `\$\.(?P<field>\w+).*`")
_T = TypeVar("_T")


class AnswerCheck:
    """Holds the answers of one model to its task; what is right, and what that costs, is the answer's own affair.

    Args:
        plugin: that answers.
        task: of the model.
        labels: what the model distinguishes; empty where any label will do.
    """

    def __init__(self, plugin: str, task: Task, labels: Sequence[str]) -> None:
        self._plugin, self._task, self._labels = plugin, task, frozenset(labels)
        try:
            self._is_right = task.answer.quick_check(self._labels)
        except Exception as error:  # a stranger's code may raise anything
            raise self._fails(error) from error

    def __call__(self, answers: Sequence[Any]) -> list[Prediction]:
        """The answers, their numbers those of Python.

        Raises:
            PluginBroken: naming the first that is wrong, and what is wrong with it.
        """
        is_right = self._is_right
        try:
            return [answer if is_right(answer) else self._checked(answer) for answer in answers]
        except (PluginBroken, MemoryError):
            raise
        except Exception as error:  # a stranger's code may raise anything
            raise self._fails(error) from error

    def _checked(self, answer: Any) -> Prediction:
        if isinstance(answer, Rejected):
            return _converted(answer, Rejected, self._broken)
        expected = self._task.answer
        if not isinstance(answer, expected):
            raise self._broken(
                f"answered with {type_of(answer)}", f"answers for {self._task.name} are {_public_name(expected)}"
            )
        plain = _converted(answer, expected, self._broken)
        try:
            checked = plain.checked(self._labels)
        except InvalidAnswer as error:
            raise self._broken(f"answered with {error.fault}", error.advice) from error
        if not isinstance(checked, expected):
            raise TypeError(f"checked gives {type_of(checked)}")
        return cast("Prediction", checked)

    def _fails(self, error: Exception) -> PluginBroken:
        """The check of the answer failed itself: that is the task's fault rather than the plugin's."""
        kind = _public_name(self._task.answer)
        return PluginBroken(
            one_line(
                f"task {self._task.name}: {kind} fails to check an answer: {type(error).__name__}: {error_text(error)}"
            ),
            "its author must mend quick_check or checked; the traceback (zoo -v, or zoo logs) shows where",
        )

    def _broken(self, what: str, advice: str) -> PluginBroken:
        return broken(self._plugin, what, advice)


class ReportCheck:
    """Takes what a training reports of itself (steps, evaluations, its plan) and passes it on, held to the contract.

    A loss that is not finite is news rather than a fault: the training has diverged, which is reported once.

    Args:
        plugin: that trains.
        task: that it trains for.
        emit: takes the events.
    """

    def __init__(self, plugin: str, task: Task, emit: Callable[[AnyEvent], None]) -> None:
        self._plugin, self._task, self._emit = plugin, task, emit
        self._diverged = False

    def __call__(self, event: AnyEvent) -> None:
        """Pass one event on.

        Raises:
            PluginBroken: a field of it is not what it has to be.
        """
        plain = _converted(event, type(event), self._broken)
        if isinstance(plain, StepCompleted):
            self._warn_of_divergence(plain.step, "loss", plain.loss)
            grad_norm = _finite_or_none(plain.grad_norm)
            plain = msgspec.structs.replace(plain, loss=_finite_or_none(plain.loss), grad_norm=grad_norm)
        elif isinstance(plain, EvaluationCompleted):
            plain = msgspec.structs.replace(plain, metrics=self._figures(plain.step, plain.metrics))
        self._emit(plain)

    def result(self, value: Any, run: TrainingRun) -> FitResult:
        """How a fit ended; labels that are not given are those of the run.

        Args:
            value: what `fit` returned.
            run: what it was given.

        Raises:
            PluginBroken: it is no result, or one that makes no sense.
        """
        if not isinstance(value, FitResult):
            raise self._broken(f"gave {type_of(value)} from fit(run)", "return a zoo.FitResult")
        result = _converted(value, FitResult, self._broken)
        try:
            task = get_task(result.task or run.task.name)
        except Unsupported as error:
            raise self._broken(f"gave FitResult.task {result.task!r}, and there is no such task", error.hint) from error
        labels = result.labels or (run.labels if task.target else ())
        classes = len(labels)
        if result.confusion and [len(row) for row in result.confusion] != [classes] * classes:
            widths = ", ".join(sorted({str(len(row)) for row in result.confusion}))
            shape = f"{counted(len(result.confusion), 'row')} of {widths}"
            raise self._broken(
                f"gave FitResult.confusion of {shape} for {classes} labels", "it has a row and a column for each label"
            )
        report = self._checked_report(result.report) or report_of_confusion(labels, result.confusion)
        figures = self._figures(result.step, result.metrics)
        intervals = self._checked_intervals(result.intervals, figures)
        return dataclasses.replace(result, labels=labels, metrics=figures, intervals=intervals, report=report)

    def _checked_intervals(self, intervals: dict[str, Interval], metrics: Collection[str]) -> dict[str, Interval]:
        for name, interval in intervals.items():
            if name not in metrics:
                raise self._broken(f"gave an interval of {name}, and no such metric", "name it as the metric is named")
            if not -math.inf < interval.low <= interval.high < math.inf:
                raise self._broken(
                    f"gave the interval {interval.low} to {interval.high} of {name}", "its ends are finite and in order"
                )
        return intervals

    def _checked_report(self, report: Report) -> Report:
        try:
            return msgspec.json.decode(encode_json(report), type=Report)
        except msgspec.DecodeError as error:  # JSON has neither NaN nor infinity
            raise self._broken(
                f"gave a FitResult.report that cannot be kept: {error}", "the numbers of a report are finite"
            ) from error

    def _figures(self, step: int, metrics: dict[str, float]) -> dict[str, float]:
        """The metrics that are finite, the primary one first; a loss that is not is warned of, any other is a fault."""
        for name, value in metrics.items():
            if not math.isfinite(value) and name not in LOSSES:
                raise self._broken(
                    f"reported the metric {name} as {value} at step {step}",
                    "metrics are finite numbers; leave out one that has no value",
                )
            self._warn_of_divergence(step, name, value)
        return primary_first(finite(metrics), self._task.primary_metric)

    def _warn_of_divergence(self, step: int, name: str, loss: float | None) -> None:
        """Warn of the first loss that is not finite."""
        if loss is not None and not math.isfinite(loss) and not self._diverged:
            self._diverged = True
            self._emit(Warned(message=f"step {step}: the {name} is {loss}; the training has diverged"))

    def _broken(self, what: str, advice: str) -> PluginBroken:
        return broken(self._plugin, what, advice)


def broken(plugin: str, what: str, advice: str) -> PluginBroken:
    """The error that names a plugin, what it did, and what the contract asks for."""
    return PluginBroken(one_line(f"plugin {plugin} {what}"), one_line(f"{advice} (zoo plugins guide contract)"))


def type_of(value: object) -> str:
    """What something is, as reported to the author of a plugin."""
    return "None" if value is None else with_article(type(value).__name__)


def _public_name(answer: type) -> str:
    """What an author imports: `zoo.Classification`, `zoo_pairs.Sameness`."""
    return f"{answer.__module__.partition('.')[0]}.{answer.__name__}"


def _finite_or_none(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _converted(value: Any, kind: type[_T], error_of: Callable[[str, str], PluginBroken]) -> _T:
    """A value with every field of the type it is declared as, numbers of other libraries turned into Python's."""
    try:
        return msgspec.convert(msgspec.to_builtins(value, enc_hook=builtin), kind)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        mismatch = _FIELD.fullmatch(str(error))
        if mismatch is None:
            raise error_of(
                f"gave {_shortened(repr(value))}: {error}", f"{_public_name(kind)} has other fields"
            ) from error
        wrong = _shortened(repr(getattr(value, mismatch["field"])))
        advice = (
            f"expected {mismatch['expected']}, got {mismatch['got']}" if mismatch["expected"] else mismatch["other"]
        )
        raise error_of(f"gave {kind.__name__}.{mismatch['field']} {wrong}", advice) from error


def builtin(value: Any) -> Any:
    """Scalars and arrays of numpy and torch as numbers and lists; whatever else is not of Python as its text."""
    tolist = getattr(value, "tolist", None)
    return tolist() if callable(tolist) else str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
