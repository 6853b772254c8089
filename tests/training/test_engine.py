"""What the engine promises, on a network small enough to train in milliseconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.training.toy import Toy, make_run
from tests.training.weights import final_weights
from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.errors import DatasetInvalid, OptionInvalid, PluginBroken, Unsupported
from zoo.metrics import ClassificationMetrics
from zoo.metrics.intervals import Interval
from zoo.runs.events import CheckpointSaved, EvaluationCompleted, RunPlanned, StepCompleted


def test_training_learns(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, rows=200, epochs=10)
    result = Toy().fit(run)

    assert result.metrics["accuracy"] > 0.9
    steps = [event for event in events if isinstance(event, StepCompleted)]
    assert steps[-1].loss < steps[0].loss
    assert steps[-1].step == steps[-1].steps == result.step


def test_events_stand_in_order(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, epochs=2, save_steps=3)
    Toy().fit(run)

    assert isinstance(events[0], RunPlanned)
    assert [event.step for event in events if isinstance(event, EvaluationCompleted)] == [4, 8]
    assert [event.step for event in events if isinstance(event, CheckpointSaved)] == [3, 6]


def test_the_best_weights_are_kept_not_the_last(tmp_path: Path) -> None:
    """A learning rate that ruins the network late must not ruin the result."""
    run, events = make_run(tmp_path, rows=200, epochs=8, lr=2.0, schedule="constant", warmup=0.0)
    result = Toy().fit(run)

    evaluations = {event.step: event.metrics for event in events if isinstance(event, EvaluationCompleted)}
    assert result.metrics == evaluations[result.best_step or 0]
    assert result.metrics["accuracy"] == max(metrics["accuracy"] for metrics in evaluations.values())


def test_early_stopping(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, rows=64, epochs=200, lr=0.5, patience=3)
    result = Toy().fit(run)

    steps = [event.step for event in events if isinstance(event, EvaluationCompleted)]
    assert result.step < 200 * 4
    assert result.step == steps[-1] == (result.best_step or 0) + 3 * 4


def test_every_example_is_seen_once_an_epoch_with_fresh_draws(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, rows=50, eval_rows=0, epochs=2, batch_size=8)
    toy = Toy()
    toy.fit(run)

    seeds = [seed for batch in toy.seen_seeds for seed in batch]
    assert len(seeds) == 100
    assert len(set(seeds)) == 100


def test_no_evaluation_data_keeps_the_last_weights(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, eval_rows=0, epochs=1)
    result = Toy().fit(run)

    assert (result.metrics, result.best_step) == ({}, None)
    assert not [event for event in events if isinstance(event, EvaluationCompleted)]
    assert final_weights(tmp_path)


def test_dry_run_only_plans_and_measures(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, epochs=2)
    object.__setattr__(run, "dry_run", True)
    Toy().fit(run)

    assert [type(event) for event in events] == [RunPlanned, RunPlanned]
    assert [event.samples_per_s > 0 for event in events if isinstance(event, RunPlanned)] == [False, True]
    assert list(tmp_path.iterdir()) == []


def test_examples_without_features_are_set_aside(tmp_path: Path) -> None:
    """The run goes on as if they had never been there."""
    aside: list[tuple[Example, str]] = []
    run, events = make_run(tmp_path, rows=20, epochs=1, batch_size=6)
    toy = Toy()
    toy.unusable = {3, 7}
    toy.fit(dataclasses.replace(run, set_aside=aside.extend))

    planned = next(event for event in events if isinstance(event, RunPlanned))
    assert [(example.row, reason) for example, reason in aside[:2]] == [(3, "it is broken"), (7, "it is broken")]
    assert planned.steps == 3


def test_a_dry_run_knows_of_all_that_is_set_aside(tmp_path: Path) -> None:
    aside: list[tuple[Example, str]] = []
    run, _ = make_run(tmp_path, rows=20)
    toy = Toy()
    toy.unusable = {3}
    toy.fit(dataclasses.replace(run, dry_run=True, set_aside=aside.extend))

    of_train, of_eval = (next(example for example in part if example.row == 3) for part in (run.train, run.eval))
    assert [of_train, of_eval] == [example for example, _ in aside]


def test_features_that_leave_examples_out_are_refused(tmp_path: Path) -> None:
    class Picky(Toy):
        def features(self, examples: Sequence[Example]) -> list[tuple[list[float], int] | Rejected]:
            return super().features(examples)[1:]

    run, _ = make_run(tmp_path, rows=20, eval_rows=0)
    with pytest.raises(PluginBroken, match=r"Picky\.features\(\) gave 19 features for 20 examples"):
        Picky().fit(run)


def test_a_run_whose_examples_are_all_unusable_says_so(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, rows=4)
    toy = Toy()
    toy.unusable = {1, 2, 3, 4}

    with pytest.raises(DatasetInvalid, match="none of the rows to train on can be used"):
        toy.fit(run)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"class_weights": "nobody=2"}, OptionInvalid, "'nobody', which is no class of the data"),
        ({"micro_batch_size": 20}, OptionInvalid, "more than a batch of 16"),
    ],
)
def test_bad_options_are_one_clear_error(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    run, _ = make_run(tmp_path, **options)
    with pytest.raises(error, match=message):
        Toy().fit(run)


def test_classes_that_an_objective_does_not_know_are_not_weighed(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, class_weights="auto")
    toy = Toy()
    toy.group = lambda features: None  # type: ignore[assignment,method-assign,return-value]

    with pytest.raises(Unsupported, match="--class-weights is auto, but this model does not say of which class"):
        toy.fit(run)


def test_no_rows_is_one_clear_error(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, rows=0)
    with pytest.raises(DatasetInvalid, match="no rows to train on"):
        Toy().fit(run)


def test_intervals_are_found_once_for_the_best_and_outlast_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, found = ClassificationMetrics.intervals, []

    def intervals(metrics: ClassificationMetrics) -> dict[str, Interval]:
        found.append(metrics)
        return own(metrics)

    monkeypatch.setattr(ClassificationMetrics, "intervals", intervals)
    run, events = make_run(tmp_path / "whole", epochs=4)
    whole = Toy().fit(run)
    assert 1 < sum(event.best for event in events if isinstance(event, EvaluationCompleted))
    assert 1 == len(found)
    assert "accuracy" in whole.intervals

    run, events = make_run(tmp_path / "stopped", epochs=4, lr=1e-9, stop_after=12)
    assert Toy().fit(run).cancelled
    assert 1 == sum(event.best for event in events if isinstance(event, EvaluationCompleted))
    found.clear()
    resumed = Toy().fit(make_run(tmp_path / "stopped", epochs=4, lr=1e-9)[0])
    assert (4, []) == (resumed.best_step, found)
    assert "accuracy" in resumed.intervals
