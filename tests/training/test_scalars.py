"""What a step says, read a step later: a CPU stands in for the device that nobody may wait for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_optimizer_step import Weighted
from tests.training.test_sources import MIXINGS, fit, head_weights, sources_of, two_toys
from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import RunFailed
from zoo.runs.events import AnyEvent, EvaluationCompleted, StepCompleted, Warned
from zoo.training.engine import train_sources
from zoo.training.optimizer import AdamW
from zoo.training.optimizer_step import OptimizerSteps, StepTaken
from zoo.training.scalars import Reading
from zoo.training.waiting import noting_waits


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU whose numbers are read as those of an accelerator are."""
    monkeypatch.setattr("zoo.training.scalars.reading_waits", lambda device: True)


@pytest.fixture(autouse=True)
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is told."""
    monkeypatch.setattr("zoo.training.meter.INTERVAL_S", 0)


def told(events: Sequence[AnyEvent]) -> list[tuple[float, ...]]:
    """What the events say of steps and evaluations, in order."""
    figures: list[tuple[float, ...]] = []
    for event in events:
        if isinstance(event, StepCompleted):
            figures.append((event.step, event.loss, event.grad_norm, event.lr))
        elif isinstance(event, EvaluationCompleted):
            figures.append((event.step, *event.metrics.values()))
    return figures


@pytest.mark.parametrize(
    ("toy", "options"),
    [
        (Toy, {"epochs": 3, "eval_steps": 5, "save_steps": 4}),
        (Toy, {"epochs": 2, "max_grad_norm": 0}),
        (Weighted, {"epochs": 2, "batch_size": 12, "micro_batch_size": 5, "max_grad_norm": 0.05}),
    ],
)
def test_reading_late_changes_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, toy: type[Toy], options: dict[str, Any]
) -> None:
    """Every figure is told, in the same order; weights are the same but for the rounding of a clipped norm."""
    at_once, expected = make_run(tmp_path / "a", **options)
    toy().fit(at_once)
    request.getfixturevalue("waiting")
    late, actual = make_run(tmp_path / "b", **options)
    toy().fit(late)

    assert len(told(actual)) == len(told(expected)) > 8
    for one, other in zip(told(actual), told(expected), strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    for name, tensor in final_weights(tmp_path / "b").items():
        torch.testing.assert_close(tensor, final_weights(tmp_path / "a")[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mixing", ["turns", "together", "uncertainty"])
def test_several_sources_are_read_late(tmp_path: Path, request: pytest.FixtureRequest, mixing: str) -> None:
    fit(tmp_path / "a", MIXINGS[mixing], max_steps=20)
    request.getfixturevalue("waiting")
    fit(tmp_path / "b", MIXINGS[mixing], max_steps=20)

    for name in ("left", "right"):
        expected, actual = (head_weights(tmp_path / one, name) for one in "ab")
        for tensor, other in zip(expected.values(), actual.values(), strict=True):
            torch.testing.assert_close(other, tensor, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("waiting")
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole, _ = make_run(tmp_path / "a", epochs=3, save_steps=4)
    Toy().fit(whole)
    for stop_after in (6, 100):
        stopped, _ = make_run(tmp_path / "b", epochs=3, save_steps=4, stop_after=stop_after)
        result = Toy().fit(stopped)

    assert not result.cancelled
    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))


@pytest.mark.usefixtures("waiting")
def test_a_passing_nan_moves_nothing(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, epochs=5)
    result = Toy(spoil=lambda call: call in (3, 4)).fit(run)

    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == [f"step {step}: the gradient is not finite; the step is skipped" for step in (3, 4)]
    assert all(torch.isfinite(tensor).all() for tensor in final_weights(tmp_path).values())
    assert result.step == 20


def test_skipped_steps_count_for_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The optimizer's bias correction goes by the steps that were taken."""
    at_once, _ = make_run(tmp_path / "a", epochs=2)
    Toy(spoil=lambda call: call == 2).fit(at_once)
    request.getfixturevalue("waiting")
    late, _ = make_run(tmp_path / "b", epochs=2)
    Toy(spoil=lambda call: call == 2).fit(late)

    for name, tensor in final_weights(tmp_path / "b").items():
        torch.testing.assert_close(tensor, final_weights(tmp_path / "a")[name], rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("waiting")
def test_divergence_is_noticed_a_step_later(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, epochs=5)
    with pytest.raises(RunFailed, match=r"no finite gradient in 5 steps up to step 7"):
        Toy(spoil=lambda call: call >= 3).fit(run)


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("sources", [1, 2])
def test_no_step_waits_for_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: int) -> None:
    """But for its numbers, which are read when the next step is on its way."""
    take = OptimizerSteps.take
    waited: set[str] = set()

    def counted(self: OptimizerSteps, *args: Any) -> StepTaken:
        with noting_waits() as names:
            taken = take(self, *args)
        waited.update(names)
        return taken

    monkeypatch.setattr(OptimizerSteps, "take", counted)
    monkeypatch.setattr(AdamW, "_move", lambda *args, **kwargs: None)  # whose kernel reads on a CPU alone
    if sources == 1:
        run, events = make_run(tmp_path, epochs=3, class_weights="plus=3")
        Weighted().fit(run)
    else:
        several, run, events = sources_of(tmp_path, two_toys(), (24, 48), (1.0, 0.5), max_steps=9)
        train_sources(several, run, MIXINGS["uncertainty"])

    assert waited == set()
    assert sum(isinstance(event, StepCompleted) for event in events) >= 9


def test_scalars_arrive_in_order() -> None:
    reading = Reading([1.5, torch.tensor(2.0), 3.0, torch.tensor(4.0)])

    assert reading.values() == [1.5, 2.0, 3.0, 4.0]
