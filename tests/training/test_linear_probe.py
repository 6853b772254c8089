"""A linear classifier on vectors."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.data.folds import fold_numbers
from zoo.errors import RunCancelled
from zoo.training.linear_probe import out_of_fold_probabilities


def test_it_beats_guessing_only_where_there_is_something_to_learn() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(3, size=300)
    centres = random.normal(size=(3, 16)).astype(np.float32)
    noise = random.normal(size=(300, 16)).astype(np.float32)
    has_label = np.eye(3, dtype=bool)[labels]
    folds = fold_numbers([f"{row}".encode() for row in range(300)], labels.tolist(), 5)

    def agreement(vectors: np.ndarray) -> float:
        probabilities = out_of_fold_probabilities(vectors, has_label, folds, exclusive=True, should_stop=lambda: False)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        return float((probabilities.argmax(axis=1) == labels).mean())

    assert agreement(centres[labels] + noise) > 0.9
    assert agreement(noise) < 0.45


def test_labels_of_which_a_row_may_have_several_are_each_for_themselves() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(300, 8)).astype(np.float32)
    has_label = vectors[:, :3] > 0.5
    folds = [row % 5 for row in range(300)]

    probabilities = out_of_fold_probabilities(vectors, has_label, folds, exclusive=False, should_stop=lambda: False)

    assert ((probabilities > 0.5) == has_label).mean() > 0.9


def test_it_can_be_stopped() -> None:
    with pytest.raises(RunCancelled):
        out_of_fold_probabilities(
            np.zeros((4, 2), np.float32), np.eye(2, dtype=bool)[[0, 1, 0, 1]], [0, 0, 1, 1], exclusive=True,
            should_stop=lambda: True,
        )  # fmt: skip
