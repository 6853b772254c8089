"""Scores are looked at once: those that were ranked are right at a glance, and all others are looked at one by one."""

from __future__ import annotations

import math
import pickle

import msgspec
import numpy as np
import pytest

from tests.counted_steps import steps_of
from zoo import Classification, InvalidAnswer, Score
from zoo.answers.scores import RankedScores

LABELS = ("a", "b", "c")
LABEL_SET = frozenset(LABELS)


def test_ranked_scores_are_those_that_one_would_make_oneself() -> None:
    ranked = Classification.ranked(LABELS, [0.5, 0.25, 0.25], [2, 0, 1])
    plain = Classification((Score("c", 0.5), Score("a", 0.25), Score("b", 0.25)))

    assert (ranked, hash(ranked), repr(ranked)) == (plain, hash(plain), repr(plain))
    assert msgspec.json.encode(ranked) == msgspec.json.encode(plain)
    assert pickle.loads(pickle.dumps(ranked)) == plain
    assert type(ranked.scores) is RankedScores
    check = Classification.quick_check(LABEL_SET)
    assert (check(ranked), check(plain)) == (True, True)


@pytest.mark.parametrize(
    "probabilities",
    [
        [0.25, 0.5, 0.25],
        [1.5, 0.5, 0.25],
        [0.5, 0.25, -0.1],
        [math.nan, 0.5, 0.25],
        [math.inf, 0.5, 0.25],
        [0.5, math.nan, 0.25],
        [np.float32(0.5), 0.25, 0.25],
        [0.5, 0.25, np.float64(0.25)],
        [0, 0, 0],
    ],
)
def test_what_cannot_be_right_at_a_glance_is_looked_at_one_by_one(probabilities: list[float]) -> None:
    answer = Classification.ranked(LABELS, probabilities, [0, 1, 2])

    assert type(answer.scores) is tuple
    assert not Classification.quick_check(LABEL_SET)(answer)


def test_ranked_labels_are_held_against_those_of_the_model() -> None:
    others = Classification.ranked(("a", "b", "z"), [0.5, 0.25, 0.25], [0, 1, 2])
    check = Classification.quick_check(LABEL_SET)

    assert check(Classification.ranked(LABELS, [1.0], [0]))
    assert not check(others)
    assert Classification.quick_check(frozenset())(others)
    with pytest.raises(InvalidAnswer, match="label 'z', which the model has not: its labels are a, b, c"):
        others.checked(LABEL_SET)


def test_looking_at_ranked_scores_costs_the_same_however_many_there_are() -> None:
    def looking(labels: int) -> int:
        names = tuple(f"label {number}" for number in range(labels))
        answer = Classification.ranked(names, [1 / (labels + number) for number in range(labels)], range(labels))
        check = Classification.quick_check(frozenset(names))
        assert check(answer)
        return steps_of(lambda: check(answer))

    assert 0 < looking(77) == looking(2)
