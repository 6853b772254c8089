"""Who goes on, and on how many rows."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest

from zoo.data.example import Example
from zoo.kinds import LABEL
from zoo.runs.events import EvaluationCompleted, RunPlanned, StepCompleted
from zoo.runs.log import append
from zoo.runs.picking.entrant import _rows_learnt
from zoo.runs.picking.rounds import Round, best, probed_number, rounds_of
from zoo.runs.picking.rows import in_nested_order
from zoo.runs.store import RunFolder


def test_each_round_has_twice_the_rows_and_half_of_the_models() -> None:
    assert rounds_of(8, 2, 1_000) == [Round(Fraction(1, 8), 4), Round(Fraction(1, 4), 2)]
    assert rounds_of(8, 2, 100) == [Round(Fraction(1, 4), 2)]  # both would be of 32 rows
    assert rounds_of(3, 2, 1_000) == [Round(Fraction(1, 4), 2)]
    assert rounds_of(2, 2, 1_000) == []
    assert probed_number(8, 2) == 4
    assert probed_number(3, 2) == 2


def test_the_best_go_on_and_who_has_no_figure_last() -> None:
    figures = {"unknown": None, "small": 0.7, "middle": 0.9, "large": 0.5}
    assert best(figures, 1, larger_is_better=True) == ["middle"]
    assert best(figures, 1, larger_is_better=True, always=["unknown", "large"]) == ["unknown", "middle", "large"]
    assert best(figures, 1, larger_is_better=False) == ["large"]
    assert best(figures, 4, larger_is_better=True) == list(figures)
    assert best(dict.fromkeys(figures), 2, larger_is_better=True) == ["unknown", "small"]


@pytest.mark.parametrize(("batch", "epochs", "rows"), [(1, 3, 3_000), (16, 3, 3_000), (32, 3, 3_000), (400, 1, 1_000)])
def test_passes_are_of_as_many_rows_however_large_batches_are(
    batch: int, epochs: int, rows: int, tmp_path: Path
) -> None:
    per_epoch = math.ceil(1_000 / batch)
    assert _rows_learnt(learnt(tmp_path, epochs * per_epoch, epochs, batch), 1_000) == rows


def test_a_training_that_ends_early_went_through_what_it_did(tmp_path: Path) -> None:
    folder = learnt(tmp_path, 70, 70 / 63, 16, told=60)
    append(folder, EvaluationCompleted(step=66, metrics={}, rows=1))
    assert _rows_learnt(folder, 1_000) == 1_000 + 3 * 16
    assert _rows_learnt(RunFolder(tmp_path / "nothing"), 1_000) == 0


def learnt(path: Path, steps: int, epochs: float, batch: int, told: int = 0) -> RunFolder:
    """A training as its log has it."""
    append(
        RunFolder(path),
        RunPlanned(
            steps=steps, epochs=epochs, batch_size=batch, micro_batch_size=1, parameters=1, trainable_parameters=1, lr=1
        ),
    )
    step = told or steps
    append(
        RunFolder(path),
        StepCompleted(step=step, steps=steps, epoch=0, loss=1, lr=1, grad_norm=1, samples_per_s=1),
    )
    return RunFolder(path)


def test_every_beginning_of_the_rows_has_each_label_in_its_share() -> None:
    labels = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    examples = [Example(f"text {row}", label, row) for row, label in enumerate(labels)]
    ordered = in_nested_order(examples, LABEL, 1)
    assert sorted(ordered, key=lambda one: one.row) == examples
    for rows in (10, 20, 50):
        share = [one.target for one in ordered[:rows]].count("a") / rows
        assert abs(share - 0.6) <= 0.1
    assert {one.target for one in ordered[:3]} == {"a", "b", "c"}
    assert in_nested_order(examples[::-1], LABEL, 1) == ordered
