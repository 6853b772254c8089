"""Resume equals never having stopped: the same bits, from checkpoints that are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import StoreInvalid
from zoo.metrics import ClassificationMetrics
from zoo.runs.events import EvaluationCompleted, Warned
from zoo.training import Output


@pytest.mark.parametrize("stop_after", [1, 2, 5, 6, 9, 13, 14])
@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_resume_equals_never_having_stopped(tmp_path: Path, stop_after: int, method: str) -> None:
    """Stopped in a step or in an evaluation, the resumed run ends with the same bits."""
    options: dict[str, Any] = {"epochs": 3, "method": method, "lr": 0.02}
    whole, _ = make_run(tmp_path / "whole", **options)
    expected = Toy().fit(whole)

    stopped, _ = make_run(tmp_path / "parts", stop_after=stop_after, **options)
    first = Toy().fit(stopped)
    resumed, _ = make_run(tmp_path / "parts", **options)
    second = Toy().fit(resumed)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert second.metrics == expected.metrics
    assert second.best_step == expected.best_step
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


def test_a_damaged_checkpoint_is_refused_and_the_one_before_used(tmp_path: Path) -> None:
    whole, _ = make_run(tmp_path / "whole", epochs=3, save_steps=2)
    Toy().fit(whole)
    stopped, _ = make_run(tmp_path / "parts", stop_after=9, epochs=3, save_steps=2)
    Toy().fit(stopped)
    newest = max((tmp_path / "parts" / "checkpoints").glob("step-*"))
    weights = bytearray((newest / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (newest / "model.safetensors").write_bytes(weights)

    resumed, events = make_run(tmp_path / "parts", epochs=3, save_steps=2)
    Toy().fit(resumed)

    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == [f"{newest.name} is not used: model.safetensors has changed since it was written"]
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


def test_a_half_written_checkpoint_is_refused(tmp_path: Path) -> None:
    stopped, _ = make_run(tmp_path, stop_after=5, epochs=2)
    Toy().fit(stopped)
    newest = max((tmp_path / "checkpoints").glob("step-*"))
    (newest / "manifest.json").unlink()

    resumed, events = make_run(tmp_path, epochs=2)
    result = Toy().fit(resumed)

    assert result.step == 8
    assert any("is incomplete" in event.message for event in events if isinstance(event, Warned))


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    stopped, _ = make_run(tmp_path, stop_after=5, epochs=2)
    Toy().fit(stopped)
    other = Toy()
    other.module.body[0] = nn.Linear(3, 9)
    other.module.head = nn.Linear(9, 2)
    with pytest.raises(
        StoreInvalid, match=r"the checkpoint does not fit the model: body\.0\.bias, body\.0\.weight, head"
    ):
        other.fit(make_run(tmp_path, epochs=2)[0])


def test_only_the_two_newest_checkpoints_and_the_best_weights_they_name_are_kept(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, epochs=5, save_steps=1)
    Toy().fit(run)

    folders = sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*"))
    assert folders == ["step-00000019", "step-00000020"]
    best_steps = {
        json.loads((tmp_path / "checkpoints" / name / "state.json").read_bytes())["best"]["step"] for name in folders
    }
    stored_steps = {int(path.stem.removeprefix("best-")) for path in (tmp_path / "checkpoints").glob("best-*")}
    assert best_steps <= stored_steps
    assert len(stored_steps) <= 2


def test_weights_that_are_no_longer_the_best_are_let_go_of_before_any_checkpoint(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, epochs=5)
    result = Toy().fit(run)

    best_steps = [event.step for event in events if isinstance(event, EvaluationCompleted) and event.best]
    assert len(best_steps) > 1
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [f"best-{result.best_step:08d}.safetensors"]


def test_an_evaluation_whose_loss_is_not_finite_can_be_gone_on_from(tmp_path: Path) -> None:
    class Overflowing(Toy):
        def update_metrics(self, metrics: ClassificationMetrics, output: Output, count: int) -> None:
            output.for_metrics["loss"] = output.for_metrics["loss"] + float("inf")
            super().update_metrics(metrics, output, count)

    stopped, events = make_run(tmp_path, stop_after=8, epochs=3)
    first = Overflowing().fit(stopped)
    resumed, _ = make_run(tmp_path, epochs=3)
    second = Overflowing().fit(resumed)

    assert any(event.metrics["loss"] == float("inf") for event in events if isinstance(event, EvaluationCompleted))
    assert (first.cancelled, second.cancelled) == (True, False)
    assert set(second.metrics) == {"accuracy", "macro_f1"}


@pytest.mark.parametrize("stop_after", [3, 6])
def test_batches_made_ahead_in_threads_change_nothing(tmp_path: Path, stop_after: int) -> None:
    """Neither the result nor what a resumed run goes on with."""

    def threaded() -> Toy:
        toy = Toy()
        toy.collate_threads = 3
        return toy

    options: dict[str, Any] = {"epochs": 3, "batch_size": 16, "micro_batch_size": 4}
    plain, _ = make_run(tmp_path / "plain", **options)
    expected = Toy().fit(plain)
    stopped, _ = make_run(tmp_path / "ahead", stop_after=stop_after, **options)
    assert threaded().fit(stopped).cancelled
    resumed, _ = make_run(tmp_path / "ahead", **options)

    assert threaded().fit(resumed).metrics == expected.metrics
    assert_identical(final_weights(tmp_path / "plain"), final_weights(tmp_path / "ahead"))


def test_bf16_trains_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    for folder, stops in (("whole", [None]), ("parts", [6, None])):
        for stop_after in stops:
            run, _ = make_run(tmp_path / folder, epochs=3, stop_after=stop_after)
            object.__setattr__(run, "precision", "bf16")
            Toy().fit(run)

    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))
