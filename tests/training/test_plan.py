"""Defaults that work without thought, on 50 rows and on 50,000, and schedules that start and end where they should."""

from __future__ import annotations

from typing import Any

import pytest

from tests.training.toy import Toy
from zoo.hyperparameters import FinetuneOptions
from zoo.training.batches import epoch_batches, evaluation_batches, shares
from zoo.training.plan import Demand, Plan, class_weights, learning_rate, make_plan
from zoo.training.seeding import mix


def plan(rows: int, world_size: int = 1, **options: Any) -> Plan:
    return make_plan(FinetuneOptions(**options), [Demand(rows, Toy())], lr=1e-3, world_size=world_size)


@pytest.mark.parametrize(("rows", "epochs", "steps"), [(50, 40, 160), (360, 7, 161), (2000, 3, 189), (50_000, 3, 4689)])
def test_small_sets_get_more_epochs(rows: int, epochs: int, steps: int) -> None:
    actual = plan(rows)

    assert (round(actual.epochs), actual.steps) == (epochs, steps)


def test_steps_and_epochs_bound_each_other() -> None:
    assert plan(320, epochs=2, batch_size=32).steps == 20
    assert plan(320, epochs=0.5, batch_size=32).steps == 5
    assert plan(320, max_steps=7).steps == 7
    assert plan(320, epochs=2, batch_size=32, max_steps=7).steps == 7
    assert plan(3, epochs=1, batch_size=32).batch_size == 3


def test_processes_share_a_batch() -> None:
    assert plan(320, batch_size=32, world_size=2).micro_batch_size == 16


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_learning_rate_rises_to_the_peak_and_never_reaches_zero(schedule: str) -> None:
    options = FinetuneOptions(schedule=schedule, warmup=0.2)  # type: ignore[arg-type]
    toy = Toy()
    toy.auto_steps, toy.min_epochs = 1, 10
    settled = make_plan(options, [Demand(320, toy)], lr=1.0, world_size=1)
    rates = [learning_rate(step, plan=settled, options=options) for step in range(1, settled.steps + 1)]

    peak = round(0.2 * settled.steps)
    assert rates[:peak] == sorted(rates[:peak])
    assert max(rates) == 1.0
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert min(rates) > 0


def test_batches_hold_every_example_once_and_group_like_lengths() -> None:
    lengths = [(i * 37) % 100 + 1 for i in range(1000)]
    batches = epoch_batches(lengths, 16, seed=1, epoch=0)

    assert sorted(i for batch in batches for i in batch) == list(range(1000))
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    assert padded / sum(lengths) < 1.05
    assert batches == epoch_batches(lengths, 16, seed=1, epoch=0)
    assert batches != epoch_batches(lengths, 16, seed=1, epoch=1)
    assert batches != epoch_batches(lengths, 16, seed=2, epoch=0)


def test_evaluation_batches_are_sorted_by_length() -> None:
    assert evaluation_batches([3, 1, 2], 2) == [[1, 2], [0]]


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_processes_compute_equally_often_and_no_example_counts_twice(size: int) -> None:
    parts = [shares(range(size), 3, rank=rank, world_size=2) for rank in (0, 1)]

    assert [len(p.indices) for p in parts[0]] == [len(p.indices) for p in parts[1]]
    counted = [i for rank in parts for part in rank for i in part.indices[: part.count]]
    assert sorted(counted) == list(range(size))


def test_class_weights() -> None:
    labels = ("a", "b", "c")

    assert class_weights("auto", labels, [2, 2, 8]) == [2, 2, 0.5]
    assert class_weights("b=2.5, c=0", labels, [2, 2, 8]) == [1, 2.5, 0]
    assert class_weights("True=2", ("false", "true"), [2, 8]) == [1, 2]


def test_seeds_do_not_collide() -> None:
    assert len({mix(42, epoch, i) for epoch in range(50) for i in range(200)}) == 10_000
