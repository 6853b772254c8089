"""Which labels are in doubt."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.metrics.confident_learning import doubts_of_classes, doubts_of_sets


def test_a_label_is_in_doubt_where_another_one_is_as_probable_as_where_it_is_given() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.1, 0.9], [0.45, 0.55]])

    doubts = doubts_of_classes(probabilities, [0, 0, 0, 1, 1, 0])

    # Thresholds are 0.5625 and 0.85: the last row is confident of neither label.
    (doubt,) = doubts.rows
    assert (doubt.place, doubt.proposed) == (2, (1,))
    assert doubt.margin == pytest.approx(0.8)
    assert doubts.wrong == pytest.approx(4 / 3 / 6)


def test_labels_that_are_all_right_are_not_doubted() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
    doubts = doubts_of_classes(probabilities, [0, 0, 1, 1])
    assert doubts.rows == ()
    assert doubts.wrong == 0


def test_a_label_that_is_never_given_is_never_proposed() -> None:
    probabilities = np.array([[0.3, 0.0, 0.7], [0.2, 0.1, 0.7], [0.3, 0.1, 0.6], [0.2, 0.7, 0.1]])
    assert doubts_of_classes(probabilities, [0, 0, 0, 1]).rows == ()


def test_flipped_labels_come_first() -> None:
    random = np.random.default_rng(0)
    true = random.integers(4, size=1_000)
    probabilities = np.full((1_000, 4), 0.05)
    probabilities[np.arange(1_000), true] = 0.85
    probabilities += random.uniform(0, 0.1, size=probabilities.shape)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    flipped = random.choice(1_000, size=50, replace=False)
    labels = true.copy()
    labels[flipped] = (true[flipped] + 1) % 4

    doubts = doubts_of_classes(probabilities, labels.tolist())

    assert {doubt.place for doubt in doubts.rows} <= set(flipped.tolist())
    assert len(doubts.rows) == round(1_000 * doubts.wrong) >= 35
    assert all(doubt.proposed == (true[doubt.place],) for doubt in doubts.rows)
    assert [doubt.margin for doubt in doubts.rows] == sorted((one.margin for one in doubts.rows), reverse=True)
    assert doubts.wrong == pytest.approx(0.05, abs=0.02)


def test_of_several_labels_each_is_doubted_where_it_is_given_and_where_it_is_missing() -> None:
    random = np.random.default_rng(0)
    true = random.random((200, 3)) < 0.4
    probabilities = np.where(true, 0.9, 0.1) + random.uniform(-0.05, 0.05, size=true.shape)
    probabilities[[7, 11]] = np.where(true[[7, 11]], 0.97, 0.03)
    has_label = true.copy()
    has_label[7, 0] = ~has_label[7, 0]
    has_label[11, 2] = ~has_label[11, 2]

    doubts = doubts_of_sets(probabilities, has_label)

    assert {doubt.place for doubt in doubts.rows} == {7, 11}
    for doubt in doubts.rows:
        assert set(doubt.proposed) == set(np.flatnonzero(true[doubt.place]))
        assert doubt.probability > 0.8
        assert doubt.label_probability == pytest.approx(1 - doubt.probability)
    assert 0 < doubts.wrong < 0.02
