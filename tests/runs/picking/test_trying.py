"""A model that fails, or that knows the rows which judge it, and the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from zoo.data.example import Example
from zoo.errors import OptionInvalid, RunFailed
from zoo.runs.candidate import CandidateMeasured
from zoo.runs.events import Warned
from zoo.runs.picking.job import _Picking
from zoo.runs.shrinking.measuring import Stopped

ROWS = tuple(Example(f"text {row}", "a", row) for row in range(100))


def picking(**learnt: int) -> tuple[Any, list[Any]]:
    """A run of models that have learnt so many of the rows that choose or test, and its events."""
    run: Any = _Picking.__new__(_Picking)
    events: list[Any] = []
    run._worker = SimpleNamespace(emit=events.append, folder=SimpleNamespace(name="run"))
    run._entrants = {
        name: SimpleNamespace(
            name=name, seconds=1.0, card=SimpleNamespace(metrics=()), learnt=lambda rows, known=known: known
        )
        for name, known in learnt.items()
    }
    run._rows = SimpleNamespace(data=SimpleNamespace(eval=ROWS), test=ROWS)
    run._measured = {}
    return run, events


def test_one_that_fails_is_told_and_the_others_go_on() -> None:
    run, events = picking(small=0, large=0)
    with run._trying("large"):
        raise RuntimeError("CUDA out of memory")
    assert list(run._entrants) == ["small"]
    (measured,) = (event.candidate for event in events if isinstance(event, CandidateMeasured))
    assert (measured.name, measured.stage, measured.reason) == (
        "large", "failed", "RuntimeError: CUDA out of memory",
    )  # fmt: skip
    with pytest.raises(Stopped), run._trying("small"):
        raise Stopped
    assert list(run._entrants) == ["small"]
    with pytest.raises(RunFailed, match="small was the last: ValueError: no"), run._trying("small"):
        raise ValueError("no")


def test_one_that_knows_the_rows_that_judge_is_left_out() -> None:
    run, events = picking(one=0, other=0, slightly=2, own=30)
    run._leave_out()
    assert list(run._entrants) == ["one", "other", "slightly"]
    assert run._measured["own"].reason == "trained on 30 of the 200 rows that choose or test"
    (warned,) = (event.message for event in events if isinstance(event, Warned))
    assert warned.startswith("slightly was trained on 2 of the 200 rows")
    run, _ = picking(one=0, own=30)
    with pytest.raises(OptionInvalid, match="own learnt rows that choose or test"):
        run._leave_out()
