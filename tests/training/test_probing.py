"""What a body knows of a task before it is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo.data.example import Example
from zoo.training.head import REGRESSION, SEVERAL_LABELS, HeadConfig
from zoo.training.objectives import Classification, LabelSets, PooledObjective, Regression
from zoo.training.probing import PlainModel, Vectors, out_of_fold

LABELS = ("minus", "plus")


def lent(of: type[PooledObjective], head_config: HeadConfig) -> Any:
    """An objective that has no body: its loss, and what its outputs mean."""
    objective = of.__new__(of)
    objective.head_config = head_config
    return objective


def rows(targets: Any) -> Vectors:
    """Vectors on either side of zero, by their order."""
    torch.manual_seed(0)
    count = len(targets)
    sides = torch.tensor([1.0 if i % 2 else -1.0 for i in range(count)])
    vectors = torch.randn(count, 4) * 0.3 + sides[:, None]
    examples = tuple(Example(f"text {i}", LABELS[i % 2], i) for i in range(count))
    return Vectors(examples, vectors, torch.tensor(targets))


def dealt(rows: int, folds: int) -> list[int]:
    """Both labels in each fold."""
    return [row // 2 % folds for row in range(rows)]


def test_rows_are_answered_by_those_of_other_folds() -> None:
    known = rows([i % 2 for i in range(60)])
    answers = out_of_fold(lent(Classification, HeadConfig(labels=LABELS)), known, dealt(60, 5), lambda: False)
    for judged in (answers.linear, answers.neighbours):
        assert len(judged) == 60
        assert sum(answer.label == target for target, answer in judged) >= 58


def test_a_probe_of_random_vectors_knows_nothing() -> None:
    known = rows([i % 2 for i in range(200)])
    torch.manual_seed(1)
    answers = out_of_fold(
        lent(Classification, HeadConfig(labels=LABELS)),
        known._replace(vectors=torch.randn(200, 4)),
        dealt(200, 5),
        lambda: False,
    )
    assert sum(answer.label == target for target, answer in answers.linear) < 130


def test_several_labels_and_numbers_are_answered_too() -> None:
    sets = rows([[float(i % 2), 1.0] for i in range(60)])
    several = HeadConfig(problem_type=SEVERAL_LABELS, labels=("odd", "always"))
    answers = out_of_fold(lent(LabelSets, several), sets, dealt(60, 3), lambda: False)
    assert all("always" in answer.labels for _, answer in answers.linear)
    assert all("always" in answer.labels for _, answer in answers.neighbours)
    numbers = rows([[float(2 * (i % 2) - 1), 0.0, 0.0, 0.0] for i in range(60)])
    regression = lent(Regression, HeadConfig(problem_type=REGRESSION, mean=10.0, std=2.0))
    regression.target = lambda example: numbers.targets[example.row].tolist()
    model = PlainModel(regression, numbers.vectors.numpy(), numbers.examples, lambda: False)
    (low, high) = model.answers(np.array([[-1.0] * 4, [1.0] * 4], np.float32))
    assert low.value == pytest.approx(8, abs=0.5)
    assert high.value == pytest.approx(12, abs=0.5)
