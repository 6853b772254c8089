"""A model that fails, or that knows the rows which judge it, and the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from zoo.data.example import Example
from zoo.errors import NoSuchFigure, OptionInvalid, RunFailed
from zoo.pick_options import PickOptions
from zoo.runs.candidate import CandidateMeasured
from zoo.runs.events import Warned
from zoo.runs.picking.entrant import Plan
from zoo.runs.picking.field import Field
from zoo.runs.shrinking.measuring import Stopped

ROWS = tuple(Example(f"text {row}", "a", row) for row in range(100))


def field_of(**known: tuple[int, float]) -> tuple[Field, list[Any]]:
    """Models that have learnt so many of the rows that choose or test, and take so many seconds; the run's events."""
    events: list[Any] = []
    worker: Any = SimpleNamespace(emit=events.append, folder=SimpleNamespace(name="run"), should_stop=lambda: False)
    entrants: Any = [
        SimpleNamespace(
            name=name,
            seconds=1.0,
            settings={},
            card=SimpleNamespace(metrics=()),
            learnt=lambda rows, rows_known=rows_known: rows_known,
            plan=lambda takes_s=takes_s: Plan(1.0, takes_s),
        )
        for name, (rows_known, takes_s) in known.items()
    ]
    return Field(worker, entrants), events


def test_one_that_fails_is_told_and_the_others_go_on() -> None:
    field, events = field_of(small=(0, 1.0), large=(0, 1.0))
    with field.trying("large"):
        raise RuntimeError("CUDA out of memory")
    assert list(field.entrants) == ["small"]
    (measured,) = (event.candidate for event in events if isinstance(event, CandidateMeasured))
    assert (measured.name, measured.stage, measured.reason) == (
        "large", "failed", "RuntimeError: CUDA out of memory",
    )  # fmt: skip
    with pytest.raises(Stopped), field.trying("small"):
        raise Stopped
    assert list(field.entrants) == ["small"]
    with pytest.raises(NoSuchFigure), field.trying("small"):
        raise NoSuchFigure("--metric is 'macrof1'")  # which the others would not have either
    assert list(field.entrants) == ["small"]
    with pytest.raises(RunFailed, match="small was the last: ValueError: no"), field.trying("small"):
        raise ValueError("no")


def test_one_that_knows_the_rows_that_judge_is_left_out() -> None:
    field, events = field_of(one=(0, 1.0), other=(0, 1.0), slightly=(2, 1.0), own=(30, 1.0))
    field.leave_out_trained((*ROWS, *ROWS))
    assert list(field.entrants) == ["one", "other", "slightly"]
    assert field.candidates["own"].reason == "trained on 30 of the 200 rows that choose or test"
    (warned,) = (event.message for event in events if isinstance(event, Warned))
    assert warned.startswith("slightly was trained on 2 of the 200 rows")
    field, _ = field_of(one=(0, 1.0), own=(30, 1.0))
    with pytest.raises(OptionInvalid, match="own learnt rows that choose or test"):
        field.leave_out_trained((*ROWS, *ROWS))


def test_one_that_takes_too_long_is_left_out() -> None:
    field, _ = field_of(one=(0, 5.0), other=(0, 30.0), slow=(0, 90.0))
    plans = field.leave_out_slow(PickOptions(within="1min"))
    assert list(field.entrants) == ["one", "other"]
    assert plans["other"].seconds == 30.0
    assert field.candidates["slow"].reason == "takes 1m30s"
    field, _ = field_of(one=(0, 5.0), slow=(0, 90.0))
    with pytest.raises(OptionInvalid, match="only one can be fine-tuned within 1min here"):
        field.leave_out_slow(PickOptions(within="1min"))
