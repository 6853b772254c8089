"""A judge that fails, or gives what cannot be kept, is named with its task."""

from __future__ import annotations

import math
import sys
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from zoo.blocks import Matrix, Table
from zoo.errors import PluginBroken
from zoo.metrics.intervals import Interval
from zoo.runs.judging import CheckedJudge
from zoo.tasks import get_task


class Judge:
    """One that does as it is told."""

    metrics: Any = {"rows": np.float32(2), "accuracy": np.float64(0.5)}
    blocks: Any = (Table(headers=("rows",), rows=((np.int64(2),),)),)

    def __init__(self, labels: Any) -> None:
        self.answers: list[Any] = []

    def add(self, target: Any, answer: Any) -> None:
        self.answers.append(target.lower())

    def compute(self) -> Any:
        return self.metrics

    def report(self) -> Any:
        return self.blocks


def judge(monkeypatch: pytest.MonkeyPatch, **attributes: Any) -> CheckedJudge:
    module = ModuleType("foreign_judge")
    vars(module)["Judge"] = type("Judge", (Judge,), attributes)
    monkeypatch.setitem(sys.modules, "foreign_judge", module)
    task = msgspec.structs.replace(get_task("text-classification"), judge="foreign_judge:Judge")
    return CheckedJudge(task, ("a", "b"))


def test_figures_come_in_pythons_numbers_the_primary_one_first(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = judge(monkeypatch)
    judged.add("A", None)

    assert repr(judged.figures()) == "{'accuracy': 0.5, 'rows': 2.0}"
    assert repr(judged.report()) == repr((Table(headers=("rows",), rows=((2,),)),))


def test_one_that_knows_how_sure_it_is_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def intervals(self: Any) -> Any:
        return {"accuracy": Interval(np.float64(0.25), np.float32(0.75))}  # type: ignore[arg-type]

    assert {} == judge(monkeypatch).intervals()
    assert {"accuracy": Interval(0.25, 0.75)} == judge(monkeypatch, intervals=intervals).intervals()
    detailed = judge(monkeypatch, detailed_report=lambda self: (Table(headers=("class",), rows=()),))
    assert (Table(headers=("class",), rows=()),) == detailed.report()


@pytest.mark.parametrize(
    ("intervals", "message"),
    [
        ({"accuracy": Interval(0.7, 0.2)}, "gave the interval of accuracy as 0.7 to 0.2"),
        ({"accuracy": Interval(0.7, math.inf)}, "gave the interval of accuracy as 0.7 to inf"),
        ({"accuracy": 0.7}, "gives no intervals: ValidationError"),
    ],
)
def test_intervals_that_are_none_are_told(intervals: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginBroken, match=message):
        judge(monkeypatch, intervals=lambda self: intervals).intervals()


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"metrics": {"accuracy": math.nan}}, "gave the metric accuracy as nan"),
        ({"metrics": None}, "gives no metrics: AttributeError: 'NoneType'"),
        ({"metrics": {"accuracy": "high"}}, "gives no metrics: ValueError: could not convert"),
        ({"blocks": "all well"}, "gives no report of blocks: ValidationError"),
        ({"blocks": (Matrix(labels=("a",), counts=((math.nan,),)),)}, "gives no report of blocks: ValidationError"),
        ({"compute": lambda self: 1 / 0}, "gives no metrics: ZeroDivisionError"),
    ],
)
def test_what_it_gives_wrongly_is_told(
    attributes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = judge(monkeypatch, **attributes)
    with pytest.raises(PluginBroken) as broken:
        (judged.figures(), judged.report())

    assert broken.value.message.startswith("the judge of task text-classification ")
    assert message in broken.value.message


def test_one_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginBroken, match="fails to count an answer: AttributeError: 'float'") as broken:
        judge(monkeypatch).add(3.5, None)
    assert "foreign_judge:Judge" in broken.value.hint
    with pytest.raises(PluginBroken, match="fails to begin: TypeError"):
        judge(monkeypatch, __init__=lambda self: None)
    judgeless = msgspec.structs.replace(get_task("text-classification"), judge="foreign_judge:Jury")
    with pytest.raises(PluginBroken, match="is judged by 'foreign_judge:Jury'"):
        CheckedJudge(judgeless, ())
