"""Steps that are recorded and replayed: what records is told apart from what decides, so a CPU can stand in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from tests.training.test_optimizer_step import Weighted
from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.runs.events import AnyEvent, Noted
from zoo.training import Batch, Output
from zoo.training.replaying import SEEN, Sums


class Computing:
    """Records by remembering what to compute; counts recordings and replays."""

    def __init__(self) -> None:
        self.recordings = self.replays = 0

    def record(self, compute: Callable[[], Sums]) -> Callable[[], Sums]:
        self.recordings += 1

        def replay() -> Sums:
            self.replays += 1
            return compute()

        return replay

    def synchronize(self) -> None:
        """Nothing goes on by itself."""


class Refusing(Computing):
    def record(self, compute: Callable[[], Sums]) -> Callable[[], Sums]:
        self.recordings += 1
        raise RuntimeError("operation not permitted when stream is capturing\nfurther lines")


class Wrong(Computing):
    """Replays twice what was to be computed."""

    def record(self, compute: Callable[[], Sums]) -> Callable[[], Sums]:
        replay = super().record(compute)
        return lambda: (replay(), replay())[0]


@pytest.fixture(autouse=True)
def no_trial_is_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the clock says of a network of a few numbers, and however few steps are to come."""
    monkeypatch.setattr("zoo.training.replaying.FASTER", 0.0)
    monkeypatch.setattr("zoo.training.replaying.MIN_STEPS", 0)


def fit(
    monkeypatch: pytest.MonkeyPatch, folder: Path, toy: Toy, recorder: Computing | None, **options: object
) -> list[str]:
    """Train on a device that records; returns what was noted."""
    monkeypatch.setattr("zoo.training.optimizer_step.recorder_for", lambda device: recorder)
    run, events = make_run(folder, **{"epochs": 6, "batch_size": 12, **options})
    toy.fit(run)
    return notes(events)


def notes(events: list[AnyEvent]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted) and "replayed" in event.message]


@pytest.mark.parametrize("toy", [Toy, Weighted])
@pytest.mark.parametrize("micro_batch_size", [None, 4])
def test_replayed_steps_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy: type[Toy], micro_batch_size: int | None
) -> None:
    """With 64 rows in batches of 12, each epoch ends with a batch of 4: another shape, and another factor."""
    recorder = Computing()
    fit(monkeypatch, tmp_path / "a", toy(), None, micro_batch_size=micro_batch_size)
    told = fit(monkeypatch, tmp_path / "b", toy(), recorder, micro_batch_size=micro_batch_size)

    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))
    assert (recorder.recordings, len(told)) == (2, 1)
    assert recorder.replays > 20
    assert "steps are recorded and replayed" in told[0]


@pytest.mark.parametrize(
    ("recorder", "why"),
    [
        (Refusing(), "operation not permitted when stream is capturing"),
        (Wrong(), "a replay gives other gradients or statistics"),
    ],
)
def test_a_recording_that_cannot_be_relied_on_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorder: Computing, why: str
) -> None:
    fit(monkeypatch, tmp_path / "a", Toy(), None)
    told = fit(monkeypatch, tmp_path / "b", Toy(), recorder)

    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))
    assert told == [f"steps are computed one by one, not recorded and replayed: {why}"]
    assert recorder.recordings == 1


def test_one_that_is_no_faster_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.training.replaying.FASTER", 1e9)
    recorder = Computing()
    fit(monkeypatch, tmp_path / "a", Toy(), None)
    told = fit(monkeypatch, tmp_path / "b", Toy(), recorder)

    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))
    assert (recorder.recordings, recorder.replays, told) == (1, 2, [])


class Reading(Toy):
    """Looks up how many of its losses are large."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        output = super().losses(module, batch)
        assert len(output.losses[output.losses > 0]) >= 0
        return output


def test_what_waits_for_the_device_is_never_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Computing()
    told = fit(monkeypatch, tmp_path, Reading(), recorder)

    assert recorder.recordings == 0
    assert told == ["steps are computed one by one, not recorded and replayed: one waits for the device (nonzero)"]


class Normalised(Toy):
    """Its body keeps running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.module.body.append(nn.BatchNorm1d(8))


def test_a_trial_leaves_no_trace_in_running_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Computing()
    fit(monkeypatch, tmp_path / "a", Normalised(), None)
    fit(monkeypatch, tmp_path / "b", Normalised(), recorder)

    assert recorder.recordings == 2
    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))


class Forgetful(Computing):
    """Replays without a trace in running statistics."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._buffers = list(module.buffers())

    def record(self, compute: Callable[[], Sums]) -> Callable[[], Sums]:
        replay = super().record(compute)

        def forgetting() -> Sums:
            before = [buffer.clone() for buffer in self._buffers]
            sums = replay()
            for buffer, value in zip(self._buffers, before, strict=True):
                buffer.copy_(value)
            return sums

        return forgetting


def test_a_recording_that_forgets_statistics_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Normalised()
    told = fit(monkeypatch, tmp_path / "a", toy, Forgetful(toy.module))
    fit(monkeypatch, tmp_path / "b", Normalised(), None)

    assert ["a replay gives other gradients or statistics" in note for note in told] == [True]
    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))


def test_few_steps_are_not_worth_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.training.replaying.MIN_STEPS", 50)
    recorder = Computing()
    fit(monkeypatch, tmp_path, Toy(), recorder, max_steps=SEEN + 45)

    assert recorder.recordings == 0


def test_it_can_be_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Computing()
    fit(monkeypatch, tmp_path, Toy(), recorder, compile=False)

    assert recorder.recordings == 0


def test_a_resumed_run_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it begins to record anew."""
    fit(monkeypatch, tmp_path / "a", Toy(), Computing())
    fit(monkeypatch, tmp_path / "b", Toy(), Computing(), stop_after=17)
    fit(monkeypatch, tmp_path / "b", Toy(), Computing())

    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))


def test_what_overflows_is_tried_again_with_the_next_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the first steps in fp16 do, whose scale begins too large."""
    recorder = Computing()
    told = fit(monkeypatch, tmp_path, Toy(spoil=lambda call: call == SEEN + 1), recorder, batch_size=16)

    assert recorder.recordings == 1
    assert "steps are recorded and replayed" in told[0]
