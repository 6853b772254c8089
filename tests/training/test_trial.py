"""What a dry run measures: steps that stand for all, and what a training takes beside them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.toy import Toy, make_run
from zoo.runs.events import RunPlanned
from zoo.runs.trial_figures import TrialFigures
from zoo.training.batches import MicroBatch
from zoo.training.objective import Batch
from zoo.training.trial import _in_all
from zoo.training.trial_samples import SomeExamples, seconds_for_all
from zoo.training.typical_steps import TypicalStep, mean_of_all, sampled_steps


class ReducedToy(Toy):
    """Its body can be asked once."""

    def reduced(self, module: torch.nn.Module, batch: Batch) -> Batch:
        return {"numbers": module.body(batch["numbers"]), "labels": batch["labels"]}

    def losses(self, module: torch.nn.Module, batch: Batch) -> Any:
        if batch["numbers"].shape[1] == 8:
            whole, body = module, module.body
            module.body = torch.nn.Identity()
            try:
                return super().losses(whole, batch)
            finally:
                module.body = body
        return super().losses(module, batch)


def figures(tmp_path: Path, toy: Toy | None = None, **settings: Any) -> tuple[RunPlanned, TrialFigures]:
    """Of a dry run."""
    run, events = make_run(tmp_path, **settings)
    (toy or Toy()).fit(dataclasses.replace(run, dry_run=True))
    planned = [event for event in events if isinstance(event, RunPlanned)][-1]
    assert planned.trial is not None
    assert list(tmp_path.iterdir()) == []
    return planned, planned.trial


def test_a_dry_run_knows_what_all_parts_of_a_training_take(tmp_path: Path) -> None:
    _, trial = figures(tmp_path, epochs=5, eval_steps=3, save_steps=7)

    assert (trial.epoch_steps, trial.evaluations, trial.save_steps) == (4, 7, 7)
    assert 0 < trial.step_s
    assert 0 < trial.first_step_s
    assert 0 < trial.evaluation_s
    assert trial.measured_steps >= 7
    assert 200 <= trial.best_bytes < trial.checkpoint_bytes
    assert 200 < trial.result_bytes
    assert 0 < trial.result_s
    assert trial.worker_bytes > 10_000_000
    assert trial.worker_limit_bytes > 10_000_000  # less than what is taken, where the machine is full


def test_checkpoints_are_as_large_as_a_dry_run_says(tmp_path: Path) -> None:
    (tmp_path / "dry").mkdir()
    _, trial = figures(tmp_path / "dry", epochs=2)
    run, _ = make_run(tmp_path / "real", epochs=2, save_steps=8)
    Toy().fit(run)

    (checkpoint,) = run.checkpoints_folder.glob("step-*")
    tensors = sum(path.stat().st_size for path in checkpoint.glob("*.safetensors"))
    assert tensors == pytest.approx(trial.checkpoint_bytes, abs=2_000)  # the names of the tensors come on top
    assert trial.result_bytes == (run.model_folder / "model.safetensors").stat().st_size


def test_nothing_held_out_is_not_evaluated(tmp_path: Path) -> None:
    _, trial = figures(tmp_path, eval_rows=0)
    assert (trial.evaluations, trial.evaluation_s, trial.best_bytes) == (0, 0.0, 0)


def test_a_single_step_is_measured_too(tmp_path: Path) -> None:
    planned, trial = figures(tmp_path, max_steps=1)
    assert planned.samples_per_s > 0
    assert trial.measured_steps == 1


def test_a_frozen_body_is_asked_about_some_rows(tmp_path: Path) -> None:
    planned, trial = figures(tmp_path, ReducedToy(), rows=2_000, epochs=2, method="head")
    assert planned.samples_per_s > 0
    assert trial.body_s > 0
    _, in_every_step = figures(tmp_path, Toy(), method="head")
    assert in_every_step.body_s == 0


def test_lora_and_private_trainings_are_measured(tmp_path: Path) -> None:
    planned, trial = figures(tmp_path, method="lora")
    assert planned.trainable_parameters < planned.parameters
    assert trial.best_bytes < 2_000


def test_steps_are_sampled_at_even_distances() -> None:
    assert sampled_steps(3) == [1, 2, 3]
    assert sampled_steps(10, 5) == [1, 3, 5, 7, 9]


def test_the_mean_is_that_of_all_kinds_by_their_share() -> None:
    steps = [TypicalStep(1, (0,), 0.75), TypicalStep(2, (0,), 0.75), TypicalStep(3, (1,), 0.25)]
    assert mean_of_all(steps, {1: 1.0, 2: 3.0, 3: 10.0}) == 0.75 * 2 + 0.25 * 10
    assert mean_of_all(steps, {1: 1.0, 3: 10.0}) == 0.75 * 1 + 0.25 * 10
    assert mean_of_all(steps, {2: 3.0}) == 3.0


def test_shapes_that_were_not_seen_are_guessed() -> None:
    assert _in_all([5, 4, 6], 10.0) == 3
    assert 3 < _in_all([1, 1, 2], 10.0) < 30
    assert _in_all([1, 1, 1], 2.0) == 6


class Lengths:
    """Examples that cost as much as they are long."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths, self.weights = lengths, [1.0] * len(lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def collate(self, part: MicroBatch, *, epoch: int) -> tuple[Batch, torch.Tensor]:
        lengths = torch.tensor([self.lengths[i] for i in part.indices])
        return {"lengths": lengths}, torch.ones(len(lengths))


def test_what_some_batches_take_tells_what_all_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second for each call, and one for each length in a batch that is filled up."""
    now = [0.0]
    monkeypatch.setattr("zoo.training.trial_samples.time.perf_counter", lambda: now[0])

    def ask(examples: Any) -> None:
        for start in range(0, len(examples), 10):
            lengths = sorted(examples.lengths)[start : start + 10]
            now[0] += len(lengths) * max(lengths)
        now[0] += 1.0

    lengths = [1 + i % 100 for i in range(1_000)]
    expected = 1.0 + sum(10 * length for length in range(1, 101))
    assert seconds_for_all(ask, Lengths(lengths), 10, lambda seconds: False) == pytest.approx(expected, rel=0.1)
    assert seconds_for_all(ask, Lengths(lengths), 10, lambda seconds: True) == pytest.approx(expected, rel=0.1)
    assert seconds_for_all(ask, Lengths([]), 10, lambda seconds: False) == 0.0


def test_examples_that_come_again_are_those_of_the_set() -> None:
    again = SomeExamples(Lengths([3, 5]), [i % 2 for i in range(5)])
    assert (5, [3, 5, 3, 5, 3]) == (len(again), again.lengths)
    batch, _ = again.collate(MicroBatch([1, 4], 2), epoch=0)
    assert batch["lengths"].tolist() == [5, 3]
