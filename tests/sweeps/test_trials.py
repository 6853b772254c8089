"""Which settings are tried: every combination, or some of them by chance, the same for the same seed."""

from __future__ import annotations

import pytest

from zoo.errors import OptionInvalid
from zoo.sweep_options import SweepOptions
from zoo.sweeps.trials import settings_of_trials, strategy_of
from zoo.sweeps.values import Listed, Range, Values

LISTS: dict[str, Values] = {"lr": Listed((1e-5, 1e-3)), "method": Listed(("full", "lora"))}
RANGE: dict[str, Values] = {"lr": Range(1e-5, 1e-3, log=True, whole=False), "method": Listed(("full", "lora"))}


def test_a_grid_is_every_combination() -> None:
    assert strategy_of(SweepOptions(), LISTS) == "grid"
    assert settings_of_trials(SweepOptions(), LISTS) == [
        {"lr": 1e-5, "method": "full"},
        {"lr": 1e-5, "method": "lora"},
        {"lr": 1e-3, "method": "full"},
        {"lr": 1e-3, "method": "lora"},
    ]
    assert settings_of_trials(SweepOptions(strategy="halving"), LISTS) == settings_of_trials(SweepOptions(), LISTS)


def test_some_are_drawn_no_two_alike_and_the_same_for_a_seed() -> None:
    assert strategy_of(SweepOptions(), RANGE) == strategy_of(SweepOptions(trials=3), LISTS) == "random"
    drawn = settings_of_trials(SweepOptions(), RANGE)
    assert len(drawn) == len({tuple(one.values()) for one in drawn}) == 10
    assert drawn == settings_of_trials(SweepOptions(), RANGE)
    assert drawn != settings_of_trials(SweepOptions(seed=1), RANGE)
    assert drawn[:3] == settings_of_trials(SweepOptions(trials=3), RANGE)
    assert len(settings_of_trials(SweepOptions(trials=3), LISTS)) == 3
    assert settings_of_trials(SweepOptions(trials=9), LISTS) == settings_of_trials(SweepOptions(), LISTS)


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (SweepOptions(strategy="grid"), RANGE, "lr has a range, of which a grid cannot try every number"),
        (SweepOptions(), {"lr": Listed((1.0,))}, "nothing varies"),
        (SweepOptions(), {"lr": Range(1.0, 1.001, log=False, whole=False)}, "nothing varies"),
        (SweepOptions(), {str(n): Listed((1, 2, 3, 4)) for n in range(5)}, "these lists have 1,024 combinations"),
    ],
)
def test_what_makes_no_trials_has_one_message(options: SweepOptions, values: dict[str, Values], message: str) -> None:
    with pytest.raises(OptionInvalid, match=message):
        settings_of_trials(options, values)


def test_a_grid_has_no_number_of_trials() -> None:
    with pytest.raises(OptionInvalid, match="--trials is 3, but a grid tries every combination"):
        SweepOptions(strategy="grid", trials=3).check()
