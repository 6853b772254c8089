"""How well rows are told apart: chance is told from findings, and privacy bounds what there is to find."""

from __future__ import annotations

import math
import random

import pytest

from zoo.metrics import membership
from zoo.metrics.membership import CHANCE, Shadowed, judge_attack, likelihood_ratios, most_by_privacy


def normal(seed: int, count: int, mean: float = 0.0) -> list[float]:
    draw = random.Random(seed)
    return [draw.gauss(mean, 1.0) for _ in range(count)]


def test_members_that_look_otherwise_are_found() -> None:
    """By an advantage and an AUC that are those of two normal distributions."""
    attack = judge_attack(normal(1, 600, mean=1.0), normal(2, 600))

    assert attack.finds_members
    assert not attack.is_reversed
    assert attack.figures.auc == pytest.approx(0.760, abs=0.04)  # of a difference N(1, 2) above 0
    assert attack.figures.advantage == pytest.approx(0.383, abs=0.07)  # 2 Phi(1/2) - 1
    assert attack.figures.found == pytest.approx(0.092, abs=0.07)  # 1 - Phi(2.326 - 1)
    assert all(low < value < high for low, value, high in zip(attack.low, attack.figures, attack.high, strict=True))


@pytest.mark.slow
def test_where_there_is_nothing_nothing_is_found() -> None:
    """As often as 95% intervals say, and no threshold is chosen on the rows that it is judged by."""
    attacks = [judge_attack(normal(seed, 60), normal(1000 + seed, 40)) for seed in range(12)]

    assert sum(attack.finds_members for attack in attacks) <= 2
    assert sum(attack.low.advantage > 0 for attack in attacks) <= 2
    assert sum(attack.figures.advantage for attack in attacks) / 12 == pytest.approx(0, abs=0.08)


def test_rows_of_one_person_are_drawn_together() -> None:
    """Ten people by whom every row looks alike say as much as ten rows."""
    people = [[f"{side}{number // 30}" for number in range(300)] for side in ("in", "out")]
    tones = {
        person: value
        for side, seed in zip(people, (3, 4), strict=True)
        for person, value in zip(dict.fromkeys(side), normal(seed, 10), strict=True)
    }
    members, others = ([tones[person] for person in side] for side in people)
    alone = judge_attack(members, others)
    together = judge_attack(members, others, units=(people[0], people[1]))
    assert together.figures.auc == alone.figures.auc
    assert together.high.auc - together.low.auc > 3 * (alone.high.auc - alone.low.auc)
    assert together.low.auc < CHANCE.auc < together.high.auc


def test_what_is_found_by_chance_is_what_the_report_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threshold is one of the others: so it leaves one fewer than may be taken for members."""
    monkeypatch.setattr(membership, "draws_of", lambda rows: 10)
    found = [judge_attack(normal(seed, 100), normal(1000 + seed, 100)).figures.found for seed in range(150)]
    assert sum(found) / len(found) == pytest.approx(CHANCE.found, abs=0.004)


def test_others_that_look_more_learnt_are_told() -> None:
    attack = judge_attack(normal(1, 100), normal(2, 100, mean=1.0))
    assert attack.is_reversed
    assert not attack.finds_members


def test_scores_that_are_all_the_same_are_chance() -> None:
    attack = judge_attack([0.5] * 40, [0.5] * 40)
    assert attack.figures == (0.0, CHANCE.auc, 0.0)
    assert not attack.finds_members
    assert not attack.is_reversed


def test_rows_that_are_apart_are_all_found() -> None:
    assert judge_attack([2.0] * 40, [1.0] * 40).figures == (1.0, 1.0, 1.0)


def test_an_interval_can_be_interrupted() -> None:
    def stop(done: int, draws: int) -> None:
        assert draws == 1000
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge_attack(normal(1, 30), normal(2, 30), stop)


@pytest.mark.parametrize(("epsilon", "advantage"), [(0.1, 0.04996), (1.0, 0.46212), (8.0, 0.99933), (100.0, 1.0)])
def test_privacy_bounds_the_advantage(epsilon: float, advantage: float) -> None:
    """As (e^eps - 1 + 2 delta) / (e^eps + 1)."""
    assert most_by_privacy(epsilon, 0.0).advantage == pytest.approx(advantage, abs=1e-5)
    ratio = math.exp(epsilon)
    assert most_by_privacy(epsilon, 0.01).advantage == pytest.approx((ratio - 1 + 0.02) / (ratio + 1))


@pytest.mark.parametrize(("epsilon", "delta"), [(0.5, 0.0), (1.0, 1e-2), (4.0, 1e-5)])
def test_the_bounds_are_those_of_the_curve(epsilon: float, delta: float) -> None:
    """AUC and what is found are the area and a point of what an attack may do at each share of false alarms."""

    def most(alarms: float) -> float:
        ratio = math.exp(epsilon)
        return min(1.0, ratio * alarms + delta, 1 - (1 - delta - alarms) / ratio)

    steps = 20_000
    area = sum(most((i + 0.5) / steps) for i in range(steps)) / steps
    bounds = most_by_privacy(epsilon, delta)
    assert bounds.auc == pytest.approx(area, abs=1e-4)
    assert bounds.found == pytest.approx(most(0.01))
    assert bounds.advantage == pytest.approx(max(most(i / steps) - i / steps for i in range(steps)), abs=1e-3)


def test_shadows_tell_a_hard_row_from_one_that_was_not_learnt() -> None:
    """A row that is likely for all models says nothing, one that is so only where it was learnt says much."""
    rows = [
        Shadowed(target=5.0, inside=[5.1, 4.9], outside=[5.0, 5.0]),
        Shadowed(target=1.0, inside=[1.1, 0.9], outside=[-3.0, -3.2]),
        Shadowed(target=-3.1, inside=[1.0, 1.2], outside=[-3.0, -3.2]),
    ]
    easy, learnt, not_learnt = likelihood_ratios(rows)
    assert not_learnt < easy < learnt
